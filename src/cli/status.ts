// `porchlight status`

import { existsSync } from "node:fs";
import { askAgent } from "../adapters/control.ts";
import type { StatusAnswer } from "../adapters/control-answers.ts";
import { lightWords } from "../adapters/journal.ts";
import { plainLine } from "../adapters/redact.ts";
import type { Settings } from "../agent/settings.ts";
import { settingsWarnings } from "../agent/settings-checks.ts";
import { AgentError, type ErrorCode, entryOf } from "../errors.ts";
import type { Grant } from "../model.ts";
import { iso } from "../units.ts";
import type { RunCommand } from "./command.ts";
import { loadSettings } from "./load-settings.ts";
import { openSession, openState } from "./org-session.ts";

const row = (name: string, value: string): string => `${name.padEnd(12)}${plainLine(value)}\n`;

const warningRows = (codes: readonly ErrorCode[]): readonly string[] =>
  codes.map((code) => row("warning", `${entryOf(code).title} (${code})`));

const runningText = (status: StatusAnswer): string => {
  const { device, code, owner, broker, problem, lights, version, update } = status;
  const rows = [
    row("board", `${device.name} (${device.id})`),
    row("state", `${status.state} since ${status.since}`),
    row("", status.headline),
  ];
  if (status.detail !== null) rows.push(row("", status.detail));
  if (code !== null) {
    rows.push(row("code", `${code.userCode} until ${code.expiresAt}`));
    rows.push(row("open", code.verificationUriComplete));
  }
  rows.push(row("owner", owner === null ? "nobody" : owner.name));
  if (status.assetTokenExpiresAt !== null)
    rows.push(row("asset token", `until ${status.assetTokenExpiresAt}`));
  rows.push(row("broker", broker === null ? "not connected" : `${broker.address} (MQTT ${broker.protocol})`));
  for (const { id, state, available } of lights)
    rows.push(row("lamp", `${id}: ${lightWords(state)}${available ? "" : ", not answering"}`));
  if (problem !== null) {
    rows.push(row("problem", `${problem.title} (${problem.code})`));
    rows.push(row("", problem.help));
    if (problem.retryAt !== null) rows.push(row("next try", problem.retryAt));
  }
  rows.push(...warningRows(status.warnings));
  rows.push(row("version", version));
  if (update !== null && update.outcome !== "installed")
    rows.push(row("update", `${update.version}, ${update.at}: ${update.message ?? update.outcome}`));
  return rows.join("");
};

/** The sign-in on disk; looking must not make a state folder where there is none. */
const storedGrant = async (settings: Settings): Promise<Grant | undefined> => {
  if (!existsSync(settings.state.dir)) return undefined;
  const offline = async (): Promise<never> => {
    throw new AgentError("BUG", "status asks nobody");
  };
  return openSession(settings, await openState(settings), offline).session.load();
};

/** What the state folder alone tells; no token is in it. */
const stoppedFacts = (settings: Settings, grant: Grant | undefined) => ({
  device: settings.device,
  signedIn: grant !== undefined,
  owner: grant?.identity ?? null,
  tokensIssuedAt: grant === undefined ? null : iso(grant.issuedAt),
  warnings: settingsWarnings(settings),
});

const stoppedText = ({
  device,
  signedIn,
  owner,
  tokensIssuedAt,
  warnings,
}: ReturnType<typeof stoppedFacts>): string =>
  [
    row("board", `${device.name} (${device.id})`),
    row("state", "not running"),
    row("owner", signedIn ? (owner?.name ?? "somebody (the org has not said who)") : "nobody"),
    ...(tokensIssuedAt === null ? [] : [row("tokens", `from ${tokensIssuedAt}`)]),
    ...warningRows(warnings),
  ].join("");

/** `porchlight status` */
export const statusCommand: RunCommand = async (args, io) => {
  const { settings } = loadSettings(args, io);
  const json = args.flags.has("json");
  const running = await askAgent(settings.state.dir, { ask: "status" }, new AbortController().signal);
  if (running !== undefined) {
    io.stdout.write(json ? `${JSON.stringify({ running: true, ...running })}\n` : runningText(running));
    return 0;
  }
  const facts = stoppedFacts(settings, await storedGrant(settings));
  io.stdout.write(json ? `${JSON.stringify({ running: false, ...facts })}\n` : stoppedText(facts));
  return 0;
};
