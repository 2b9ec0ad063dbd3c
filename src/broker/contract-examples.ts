// What the documents show: made by the code that sends it, where it is sent. One board with one lamp throughout.

import type { About, CommandResult, GuestPass, LightReport, LightTraits } from "../model.ts";
import { epochMs } from "../units.ts";
import { encodeDiscovery } from "./discovery.ts";
import { encodeAbout, encodeResult, encodeState, OFFLINE, ONLINE } from "./payloads.ts";
import { topicsOf } from "./topics.ts";

const traits: LightTraits = {
  dims: true,
  temperature: { minKelvin: 2200, maxKelvin: 6500 },
  rgb: true,
  effects: ["blink", "identify"],
};

export const exampleAbout: About = {
  device: { id: "porch-1", name: "Porch light", serial: "100000003d1d1c36" },
  version: "0.1.0",
  trust: "owner",
  lights: [{ id: "main", name: "Porch", traits }],
  keyThumbprint: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
  owner: { userId: "0055g00000AbCdEAAV", name: "Ada", username: null, orgId: "00D5g000001AbCdEAK" },
  evening: {
    on: "18:30",
    off: "23:00",
    timeZone: "Europe/Berlin",
    lights: ["main"],
    brightness: 0.6,
    away: false,
  },
  eveningFrom: "phone",
  eveningSettings: null,
  eveningFault: null,
  homeFrom: null,
  signedInUntil: epochMs(Date.parse("2026-12-26T17:00:00Z")),
  approvals: { used: 2, limit: 5 },
  update: {
    version: "0.2.0",
    outcome: "wentBack",
    code: "UPDATE_WENT_BACK",
    message: null,
    at: "2026-12-02T04:06:00.000Z",
  },
  started: { at: "2026-12-02T04:05:00.000Z", after: "power", code: null, restarts: 1 },
  health: {
    status: "warn",
    problems: [{ code: "UPDATE_WENT_BACK", light: null, since: "2026-12-02T04:05:00.000Z" }],
    upSince: "2026-12-02T04:05:00.000Z",
    restarts: 1,
    lastDay: { reconnects: 2, refused: 0, faults: 3 },
  },
};

const report: LightReport = {
  light: "main",
  target: { on: true, brightness: 0.6, colour: { mode: "temperature", kelvin: 2700 }, effect: null },
  available: true,
  fault: null,
  cause: { kind: "command", id: "7f1c" },
};

const done: CommandResult = {
  id: "7f1c",
  outcome: "done",
  code: null,
  message: null,
  light: report.light,
  state: report.target,
};

const refused: CommandResult = {
  ...done,
  id: null,
  outcome: "refused",
  code: "COMMAND_UNTRUSTED",
  state: null,
};

const topics = topicsOf(
  exampleAbout.device.id,
  exampleAbout.lights.map(({ id }) => id),
);

const sent = (payload: string): unknown => JSON.parse(payload);

const lightChange = { state: "ON", brightness: 153, color_temp: 2700, transition: 1.5 };
const from = epochMs(Date.parse("2026-11-19T18:40:00Z")) / 1000;
const until = from + 86_400;

const user = {
  id: "p1",
  name: "Bob",
  user: "0055g00000XyZabAAV",
  lights: ["main"],
  may: ["switch", "brightness"] satisfies GuestPass["may"],
  maxBrightness: 128,
  from,
  until,
  daily: { from: "18:00", to: "22:00", timeZone: "Europe/Berlin" },
};
const key = {
  id: "tablet",
  name: "Tablet in the hall",
  key: {
    kty: "EC",
    crv: "P-256",
    x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
  },
  may: ["switch"] satisfies GuestPass["may"],
  until,
};
const evening = { on: "18:30", off: "23:00", timeZone: "Europe/Berlin", lights: ["main"], brightness: 153 };
const dusk = { on: "dusk+15", off: "23:30", timeZone: "Europe/Berlin", away: true };

const head = { porchlight: "command", device: "porch-1", id: "7f1c", iat: from + 0.25, exp: from + 30.25 };

/** By the names of the schemas. */
export const examples = {
  availability: [ONLINE, OFFLINE],
  about: [
    sent(encodeAbout(exampleAbout, topics)),
    sent(
      encodeAbout(
        {
          ...exampleAbout,
          keyThumbprint: null,
          owner: null,
          evening: null,
          eveningFrom: null,
          eveningFault: null,
          signedInUntil: null,
          approvals: null,
          update: null,
          started: null,
          health: {
            status: "fail",
            problems: [{ code: "LIGHT_FAULT", light: "main", since: null }],
            upSince: null,
            restarts: 0,
            lastDay: { reconnects: 0, refused: 0, faults: 1 },
          },
        },
        topics,
      ),
    ),
  ],
  "light-state": [sent(encodeState(report, traits))],
  "error-code": ["COMMAND_UNTRUSTED"],
  command: [{ ...lightChange, id: "7f1c", expiresAt: "2026-12-01T17:00:30Z" }, { brightness: 0 }],
  "light-change": [lightChange, { color: { r: 255, g: 136, b: 0 } }],
  "signed-envelope": [
    { pkt: "eyJpc3Mi:eyJhbGci:c2lnbmVk:eyJ0eXAi:c2lnbmVk", osm: "eyJhbGci.eyJwb3Jj.c2lnbmVk" },
    { osm: "eyJhbGci.eyJwb3Jj.c2lnbmVk" },
  ],
  "signed-command": [
    { ...head, do: "light", light: "main", set: lightChange },
    { ...head, do: "admit", pass: user },
    { ...head, do: "guests" },
    { ...head, do: "revoke", pass: "p1" },
    { ...head, do: "rename", light: "main", name: "Porch" },
    { ...head, do: "evening", evening },
    { ...head, do: "evening", evening: dusk },
    { ...head, do: "evening", evening: null },
    { ...head, do: "evening", evening: "settings" },
    { ...head, do: "signOut" },
    { ...head, do: "update" },
  ],
  "guest-pass": [user, key],
  evening: [evening, dusk],
  result: [sent(encodeResult(done, traits)), sent(encodeResult(refused, traits))],
  discovery: [sent(encodeDiscovery(exampleAbout, topics))],
  "hub-status": [ONLINE, OFFLINE],
} as const satisfies Readonly<Record<string, readonly unknown[]>>;

export type SchemaName = keyof typeof examples;
