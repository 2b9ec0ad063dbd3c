// `porchlight doctor org`: the org as this board's settings have it, looked at with the board's own parts.

import { systemClock } from "../adapters/clock.ts";
import { openMemoryVault } from "../adapters/memory-vault.ts";
import { withoutSlash } from "../device-flow/address.ts";
import { createOrg } from "../device-flow/org.ts";
import { examine } from "../doctor/examine.ts";
import { orgExamination } from "../doctor/org.ts";
import type { OrgSubject } from "../doctor/org-case.ts";
import { qrMatrix } from "../hal/displays/qr.ts";
import type { DeviceCode, Grant } from "../model.ts";
import { createPublishedKeys } from "../org-keys/published-keys.ts";
import type { AssertionSource, AssetTokens } from "../ports.ts";
import type { Io } from "./command.ts";
import { agentOf, type Board, clientOf, type Examine, stateOf } from "./doctor-board.ts";
import { openAssetTokens } from "./doctor-tokens.ts";
import { codeText, hasColour, isUnicode, proxyOf } from "./doctor-words.ts";
import { openSession } from "./org-session.ts";

/** For giving a sign-in back when the examination is broken off, in milliseconds. */
const LAST_PATIENCE_MS = 5_000;

/** For the agent to say how it is, in milliseconds. */
const AGENT_PATIENCE_MS = 2_000;

/** The code for whoever approves, on standard error: standard output is the report. */
const codeShower =
  ({ stderr, env }: Io) =>
  async (code: DeviceCode): Promise<void> => {
    const matrix = await qrMatrix(code.verificationUriComplete);
    stderr.write(codeText(code, matrix, { unicode: isUnicode(env), colour: hasColour(stderr, env) }));
  };

/** True while an agent waits with a code. One that does not say so soon is not waited for. */
const agentWaits = async (board: Board, signal: AbortSignal): Promise<boolean> => {
  const soon = AbortSignal.any([signal, AbortSignal.timeout(AGENT_PATIENCE_MS)]);
  const status = await agentOf(board, soon).catch(() => undefined);
  return status?.code?.kind === "code";
};

/** Looks at the org of the settings. */
export const examineOrg: Examine = async function* (board, signal) {
  const { args, io, settings } = board;
  await using client = await clientOf(board);
  const { org: options, assetToken, device } = settings;
  const { http } = client;
  const clock = systemClock;
  const assertion: AssertionSource = async (until) =>
    (await import("../adapters/assertion.ts")).fetchAssertion(options.assertion, io.env, until);
  const org = createOrg(options, { http, clock, assertion });
  const state = await stateOf(board);
  await using keys = createPublishedKeys({ http, clock, vault: openMemoryVault() });
  const load = async (): Promise<Grant | undefined> =>
    state === null ? undefined : openSession(settings, state, http).session.load();
  const subject: OrgSubject = {
    options: { ...options, url: withoutSlash(options.url) },
    device,
    assetToken,
    approvals: options.approvals,
    homeSettled: settings.home.latitude !== null,
    waiting: state !== null && (await agentWaits(board, signal)),
    proxy: proxyOf(io.env, options.url),
    access: args.flags.has("sign-in") ? { kind: "asked", show: codeShower(io) } : { kind: "stored", load },
  };
  const assetTokens = (): Promise<AssetTokens> => openAssetTokens(settings, { http, org, keys, state });
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
