import { entryOf } from "../errors.ts";
import type {
  About,
  CommandResult,
  Evening,
  LightReport,
  LightState,
  LightTraits,
  Started,
  UpdateOutcome,
} from "../model.ts";
import { iso } from "../units.ts";
import { passFields } from "./codec-passes.ts";
import type { Topics } from "./topics.ts";

type Json = Readonly<Record<string, unknown>>;

/** What the availability topic says; Home Assistant says the same of itself. */
export const ONLINE = "online";
export const OFFLINE = "offline";

/**
 * A lamp's state in Home Assistant's JSON light schema, with only the members its traits have. `color_mode` is
 * always there. Brightness is 1..255 and kept while off; `color_temp` is kelvin; effect `none` means none.
 */
export const stateFields = (state: LightState, traits: LightTraits): Json => {
  const colour = state.colour;
  const rgb = traits.rgb && colour.mode === "rgb";
  const temperature = traits.temperature !== null && colour.mode === "temperature";
  return {
    state: state.on ? "ON" : "OFF",
    ...(traits.dims ? { brightness: Math.min(255, Math.max(1, Math.round(state.brightness * 255))) } : {}),
    color_mode: rgb ? "rgb" : temperature ? "color_temp" : traits.dims ? "brightness" : "onoff",
    ...(rgb ? { color: { r: byte(colour.rgb[0]), g: byte(colour.rgb[1]), b: byte(colour.rgb[2]) } } : {}),
    ...(temperature ? { color_temp: Math.round(colour.kelvin) } : {}),
    ...(traits.effects.length > 0 ? { effect: state.effect ?? "none" } : {}),
  };
};

/** The retained state of a lamp; `available` and `fault` tell of hardware that does not answer. */
export const encodeState = (report: LightReport, traits: LightTraits): string =>
  JSON.stringify({
    ...stateFields(report.target, traits),
    available: report.available,
    fault: report.fault?.code ?? null,
  });

/** The answer to a command. `traits` is null for a lamp that does not exist. */
export const encodeResult = (result: CommandResult, traits: LightTraits | null): string =>
  JSON.stringify({
    id: result.id,
    outcome: result.outcome,
    code: result.code,
    message: result.message ?? (result.code === null ? null : entryOf(result.code).title),
    light: result.light,
    state: result.state === null || traits === null ? null : stateFields(result.state, traits),
    ...(result.guests === undefined ? {} : { guests: result.guests.map(passFields) }),
  });

const eveningFields = ({ on, off, timeZone, lights, brightness, away }: Evening): Json => ({
  on,
  off,
  timeZone,
  ...(lights === null ? {} : { lights }),
  ...(brightness === null ? {} : { brightness: byte(brightness) }),
  ...(away ? { away } : {}),
});

/** What the board is: retained. The owner's user name stays out, as it often is a mail address. */
export const encodeAbout = (about: About, topics: Topics): string =>
  JSON.stringify({
    device: about.device,
    version: about.version,
    trust: about.trust,
    lights: about.lights.map((light) => ({ ...light, topics: topics.of(light.id) })),
    keyThumbprint: about.keyThumbprint,
    owner:
      about.owner === null
        ? null
        : { userId: about.owner.userId, name: about.owner.name, orgId: about.owner.orgId },
    evening: about.evening === null ? null : eveningFields(about.evening),
    eveningFrom: about.eveningFrom,
    eveningSettings: about.eveningSettings === null ? null : eveningFields(about.eveningSettings),
    eveningFault: about.eveningFault,
    homeFrom: about.homeFrom,
    signedInUntil: about.signedInUntil === null ? null : iso(about.signedInUntil),
    approvals: about.approvals,
    update: about.update === null ? null : updateFields(about.update),
    started: about.started === null ? null : startedFields(about.started),
    health: about.health,
  });

const startedFields = ({ at, after, code }: Started): Json => ({ at, after, code });

/** The message may name paths of the board: code and documents tell enough. */
const updateFields = ({ version, outcome, code, at }: UpdateOutcome): Json => ({
  version,
  outcome,
  code,
  at,
});

const byte = (part: number): number => Math.min(255, Math.max(0, Math.round(part * 255)));
