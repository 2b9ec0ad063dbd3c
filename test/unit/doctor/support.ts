import { generateKeyPairSync } from "node:crypto";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { selfSigned } from "../../../firmware-sim/org/certificate.ts";
import { createOrgKeys } from "../../../firmware-sim/org/keys.ts";
import { SimulatedOrg } from "../../../firmware-sim/org/org.ts";
import { createAssetTokens } from "../../../src/asset-token/source.ts";
import type { OrgOptions } from "../../../src/device-flow/options.ts";
import { createOrg } from "../../../src/device-flow/org.ts";
import type { Check } from "../../../src/doctor/check.ts";
import { examine } from "../../../src/doctor/examine.ts";
import { orgExamination } from "../../../src/doctor/org.ts";
import type { OrgSubject } from "../../../src/doctor/org-case.ts";
import { AgentError } from "../../../src/errors.ts";
import type { Grant } from "../../../src/model.ts";
import { createPublishedKeys } from "../../../src/org-keys/published-keys.ts";
import type { Http } from "../../../src/ports.ts";
import { after, Secret } from "../../../src/units.ts";
import { aKey, device, memoryVault } from "../asset-token/support.ts";

export const forever = new AbortController().signal;

const orgKeys = createOrgKeys();
export const deviceKey = await aKey("RS256");
const boardKey = generateKeyPairSync("rsa", { modulusLength: 2048 });
/** The key of a board that signs in by itself. */
export const pem = new Secret(String(boardKey.privateKey.export({ type: "pkcs8", format: "pem" })));

/** What a case changes: the settings of the board, and who gives the sign-in. */
export interface Changes {
  readonly options?: Partial<OrgOptions>;
  readonly subject?: Partial<OrgSubject>;
  /** Whose access token: the board's own, one that a person gives, or none. */
  readonly access?: "stored" | "asked" | "none";
  /** Strikes once the board is signed in, or the person has approved. */
  readonly afterSignIn?: (world: World) => void;
}

export interface World {
  readonly clock: VirtualClock;
  readonly sim: SimulatedOrg;
  readonly http: Http;
  /** The other half of the board's own key. */
  certificate(): string;
}

export const openWorld = (): World => {
  const clock = new VirtualClock();
  const sim = new SimulatedOrg({ clock, keys: orgKeys });
  return {
    clock,
    sim,
    http: sim.http((silence) => new AgentError(silence.code)),
    certificate: () =>
      selfSigned({
        commonName: "board",
        organization: "Northwind",
        ...boardKey,
        notBefore: clock.wall(),
        notAfter: after(clock.wall(), 86_400_000),
        serial: Buffer.from("01", "hex"),
      }),
  };
};

/** Examines `http` as a board with these settings would, and lets a person approve where one is asked. */
export const examined = async (
  world: Pick<World, "clock" | "http"> & { readonly sim?: SimulatedOrg },
  options: OrgSubject["options"],
  access: OrgSubject["access"],
  more: Partial<OrgSubject> = {},
): Promise<ReadonlyMap<string, Check>> => {
  const { http, clock } = world;
  const subject: OrgSubject = {
    options,
    device,
    assetToken: { mode: "exchange", audience: "https://porchlight.example/broker" },
    approvals: 5,
    homeSettled: false,
    waiting: false,
    proxy: null,
    access,
    ...more,
  };
  const org = createOrg(options, { http, clock });
  const { mode, audience } = subject.assetToken;
  await using keys = createPublishedKeys({ http, clock, vault: memoryVault() });
  const { steps } = orgExamination(subject, {
    http,
    clock,
    org,
    assertionFile: null,
    assetTokens: async () =>
      createAssetTokens(
        {
          mode: mode === "self" ? "self" : "exchange",
          dialect: options.dialect,
          clientId: options.clientId,
          clientSecret: options.clientSecret,
          audience,
          verify: { jwks: "auto", certificate: null },
          actorClaims: {},
          device,
          endpoints: org.endpoints,
        },
        { http, clock, key: deviceKey, keys },
      ),
  });
  const checks = new Map<string, Check>();
  for await (const check of examine(steps, forever)) checks.set(check.id, check);
  return checks;
};

/** The simulated org, as a board with these changes finds it. */
export const examineSimulated = async (
  world: World,
  { options = {}, subject = {}, access = "stored", afterSignIn = () => {} }: Changes = {},
): Promise<ReadonlyMap<string, Check>> => {
  const { clock, sim, http } = world;
  const settled: OrgSubject["options"] = {
    dialect: "salesforce",
    signIn: "device",
    url: sim.baseUrl,
    clientId: sim.boardApp.clientId,
    clientSecret: null,
    scope: "api openid refresh_token",
    callback: "http://localhost:7878/callback",
    ...options,
  };
  const signedIn = async (): Promise<Grant> => {
    const org = createOrg(settled, { http, clock });
    const code = await org.askCode(forever);
    sim.approve(code.userCode);
    const polled = await org.poll(code, forever);
    if (polled.kind !== "granted") throw new Error(polled.kind);
    return { ...polled.grant, identity: await org.identify(polled.grant, forever) };
  };
  const stored = async (): Promise<Grant> => {
    const grant = await signedIn();
    afterSignIn(world);
    return grant;
  };
  const person: OrgSubject["access"] = {
    kind: "asked",
    async show({ userCode, intervalMs }) {
      sim.approve(userCode);
      afterSignIn(world);
      void clock.advance(2 * intervalMs);
    },
  };
  const given: Readonly<Record<"stored" | "asked" | "none", OrgSubject["access"]>> = {
    stored: { kind: "stored", load: stored },
    asked: person,
    none: { kind: "stored", load: async () => undefined },
  };
  return examined(world, settled, given[access], subject);
};

/** The ids of the checks with a verdict. */
export const having = (checks: ReadonlyMap<string, Check>, verdict: Check["verdict"]): readonly string[] =>
  [...checks.values()].filter((check) => check.verdict === verdict).map(({ id }) => id);
