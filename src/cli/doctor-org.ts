// `porchlight doctor org`: the org as this board's settings have it, looked at with the board's own parts.

import { existsSync } from "node:fs";
import { systemClock } from "../adapters/clock.ts";
import { askAgent } from "../adapters/control.ts";
import { createHttp } from "../adapters/http.ts";
import { openMemoryVault } from "../adapters/memory-vault.ts";
import { readNamedText } from "../adapters/settings-file.ts";
import type { Settings } from "../agent/settings.ts";
import { loadDeviceKey } from "../asset-token/key.ts";
import { createAssetTokens } from "../asset-token/source.ts";
import { assetTokenOptions } from "../compose-settings.ts";
import { withoutSlash } from "../device-flow/address.ts";
import { createOrg } from "../device-flow/org.ts";
import { faultFinding, ok } from "../doctor/check.ts";
import { examine } from "../doctor/examine.ts";
import { orgExamination } from "../doctor/org.ts";
import type { OrgSubject } from "../doctor/org-case.ts";
import { AgentError, asAgentError } from "../errors.ts";
import { qrMatrix } from "../hal/displays/qr.ts";
import type { DeviceCode, Grant } from "../model.ts";
import { createPublishedKeys } from "../org-keys/published-keys.ts";
import type { AssertionSource, AssetTokens, Vault } from "../ports.ts";
import type { Arguments, Io } from "./command.ts";
import type { Examine } from "./doctor.ts";
import { codeText, hasColour, isUnicode, proxyOf } from "./doctor-words.ts";
import { loadSettings } from "./load-settings.ts";
import { openSession, openState } from "./org-session.ts";
import { userAgent } from "./run.ts";

/** For each request, in milliseconds: somebody is waiting at the terminal. */
const PATIENCE_MS = 15_000;

/** For giving a sign-in back when the examination is broken off, in milliseconds. */
const LAST_PATIENCE_MS = 5_000;

/** For the agent to say how it is, in milliseconds. */
const AGENT_PATIENCE_MS = 2_000;

const settingsStep = { id: "settings", title: "The settings" } as const;

/** The settings, the files that they name, and the org that they describe. Throws AgentError. */
const prepare = async (args: Arguments, io: Io) => {
  const { settings, file } = loadSettings(args, io);
  const ca = settings.org.ca === null ? null : await readNamedText(settings.org.ca);
  const client = createHttp({ ca, env: io.env, userAgent, timeoutMs: PATIENCE_MS });
  const assertion: AssertionSource = async (until) =>
    (await import("../adapters/assertion.ts")).fetchAssertion(settings.org.assertion, io.env, until);
  const org = createOrg(settings.org, { http: client.http, clock: systemClock, assertion });
  return { settings, from: file?.path ?? "the environment", client, org, assertion };
};

/** The state folder, where there is one: looking must not make it. */
const stateOf = async (settings: Settings, env: Io["env"]): Promise<Vault | null> =>
  existsSync(settings.state.dir) ? await openState(settings, env) : null;

/** The board's key where it has one; else one for this examination, which is not kept. */
const keyVault = async (state: Vault | null): Promise<Vault> =>
  state !== null && (await state.read("device-key")) !== undefined ? state : openMemoryVault();

/** True while an agent waits with a code. One that does not say so soon is not waited for. */
const agentWaits = async (dir: string, signal: AbortSignal): Promise<boolean> => {
  const soon = AbortSignal.any([signal, AbortSignal.timeout(AGENT_PATIENCE_MS)]);
  const status = await askAgent(dir, { ask: "status" }, soon).catch(() => undefined);
  return status?.code?.kind === "code";
};

/** The code for whoever approves, on standard error: standard output is the report. */
const codeShower =
  ({ stderr, env }: Io) =>
  async (code: DeviceCode): Promise<void> => {
    const matrix = await qrMatrix(code.verificationUriComplete);
    stderr.write(codeText(code, matrix, { unicode: isUnicode(env), colour: hasColour(stderr, env) }));
  };

/** Looks at the org of the settings. */
export const examineOrg: Examine = async function* (args, io, signal) {
  const prepared = await prepare(args, io).catch((error: unknown) => asAgentError(error));
  if (prepared instanceof AgentError) return yield { ...settingsStep, ...faultFinding(prepared) };
  const { settings, from, org, assertion } = prepared;
  await using client = prepared.client;
  const { org: options, assetToken, device } = settings;
  yield {
    ...settingsStep,
    ...ok(`${from}: ${options.dialect}, ${options.url}, org.signIn ${options.signIn}`),
  };

  const { http } = client;
  const clock = systemClock;
  const state = await stateOf(settings, io.env);
  await using keys = createPublishedKeys({ http, clock, vault: openMemoryVault() });
  const load = async (): Promise<Grant | undefined> =>
    state === null ? undefined : openSession(settings, state, http).session.load();
  const subject: OrgSubject = {
    options: { ...options, url: withoutSlash(options.url) },
    device,
    assetToken,
    approvals: options.approvals,
    homeSettled: settings.home.latitude !== null,
    waiting: state !== null && (await agentWaits(settings.state.dir, signal)),
    proxy: proxyOf(io.env, options.url),
    access: args.flags.has("sign-in") ? { kind: "asked", show: codeShower(io) } : { kind: "stored", load },
  };
  const assetTokens = async (): Promise<AssetTokens> => {
    const given = await assetTokenOptions(settings, org.endpoints, readNamedText);
    const key = await loadDeviceKey(await keyVault(state), assetToken.algorithm);
    return createAssetTokens(given, { http, clock, key, keys });
  };
  const examination = orgExamination(subject, {
    http,
    clock,
    org,
    assertionFile: options.assertion.file === null ? null : assertion,
    assetTokens,
  });
  try {
    yield* examine(examination.steps, signal);
  } finally {
    await examination.giveBack(AbortSignal.timeout(LAST_PATIENCE_MS));
  }
};
