// `porchlight status`

import { existsSync } from "node:fs";
import { askAgent } from "../adapters/control.ts";
import type { StatusAnswer } from "../adapters/control-answers.ts";
import { lightWords } from "../adapters/journal.ts";
import { plainJson, plainLine } from "../adapters/redact.ts";
import { lastRun } from "../adapters/run-record.ts";
import type { Settings } from "../agent/settings.ts";
import { settingsWarnings } from "../agent/settings-checks.ts";
import { byPerson } from "../agent/settings-table.ts";
import { endsSoon, signedInUntil } from "../agent/standing.ts";
import { type ErrorCode, entryOf } from "../errors.ts";
import type { Grant } from "../model.ts";
import { signalWords } from "../signal.ts";
import { type EpochMs, epochMs, iso } from "../units.ts";
import type { Io, RunCommand } from "./command.ts";
import { eveningWords } from "./evening-words.ts";
import { healthWords } from "./health-words.ts";
import { loadSettings, parseToExamine } from "./load-settings.ts";
import { momentWords } from "./moment-words.ts";
import { openState, openStoredSession } from "./org-session.ts";
import { endedWords, startedWords } from "./run-words.ts";

const row = (name: string, value: string): string => `${name.padEnd(12)}${plainLine(value)}\n`;

const warningRows = (codes: readonly ErrorCode[]): readonly string[] =>
  codes.flatMap((code) => {
    const { title, help, remedy } = entryOf(code);
    const told = row("warning", `${title} (${code})`);
    // What the settings give up was somebody's choice; the rest wants something done.
    return remedy === "warn" ? [told] : [told, row("", help)];
  });

/** `26 Dec 2026`, by the board's own time. */
const day = (at: EpochMs): string =>
  new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" }).format(at);

/** Until when the sign-in lasts by itself, and a warning when that is soon. */
const signInRows = (issuedAt: string | null, until: string | null, now: EpochMs): string[] => {
  if (issuedAt === null || until === null) return [];
  const [from, to] = [epochMs(Date.parse(issuedAt)), epochMs(Date.parse(until))];
  const rows = [row("sign-in", `stays signed in without a network until ${day(to)}`)];
  if (endsSoon(from, to, now))
    rows.push(row("", "That is soon: connect the board to the network, and it renews its sign-in."));
  return rows;
};

const approvalRows = ({ approvals }: StatusAnswer): string[] => {
  if (approvals === null) return [];
  const { used, limit } = approvals;
  const full = used < limit ? "" : ": the next sign-in signs out the oldest";
  return [row("approvals", `${used} of ${limit} approvals used${full}`)];
};

const runningText = (status: StatusAnswer, now: EpochMs): string => {
  const { device, code, owner, broker, problem, lights, version, update, health } = status;
  const say = (moment: string): string => momentWords(moment, now);
  const rows = [
    row("board", `${device.name} (${device.id})`),
    row("state", `${status.state} since ${say(status.since)}`),
    row("", status.headline),
  ];
  if (status.detail !== null) rows.push(row("", status.detail));
  if (code?.kind === "link") {
    rows.push(row("link", `${code.start} until ${say(code.expiresAt)}`));
    rows.push(row("", "in a browser on this board, or run porchlight sign-in"));
  }
  if (code?.kind === "code") {
    rows.push(row("code", `${code.userCode} until ${say(code.expiresAt)}`));
    rows.push(row("open", code.verificationUriComplete));
    if (code.signal !== null) rows.push(row("", `The lamp ${signalWords(code.signal)}`));
  }
  rows.push(row("owner", owner === null ? "nobody" : owner.name));
  rows.push(...signInRows(status.tokensIssuedAt, status.signedInUntil, now));
  rows.push(...approvalRows(status));
  if (status.assetTokenExpiresAt !== null)
    rows.push(row("asset token", `until ${say(status.assetTokenExpiresAt)}`));
  rows.push(row("broker", broker === null ? "not connected" : `${broker.address} (MQTT ${broker.protocol})`));
  for (const { id, state, available } of lights)
    rows.push(row("lamp", `${id}: ${lightWords(state)}${available ? "" : ", not answering"}`));
  if (problem !== null) {
    rows.push(row("problem", `${problem.title} (${problem.code})`));
    rows.push(row("", problem.help));
    if (problem.retryAt !== null) rows.push(row("next try", say(problem.retryAt)));
  }
  rows.push(...eveningWords(status, now).map(([name, words]) => row(name, words)));
  const told = new Set([...(problem === null ? [] : [problem.code]), ...status.warnings]);
  rows.push(...warningRows(status.warnings));
  if (health !== undefined)
    rows.push(...healthWords(health, told, now).map(([name, words]) => row(name, words)));
  rows.push(row("version", version));
  if (update !== null && update.outcome !== "installed")
    rows.push(row("update", `${update.version}, ${say(update.at)}: ${update.message ?? update.outcome}`));
  return rows.join("");
};

/** The sign-in on disk; looking must not make a state folder where there is none. */
const storedGrant = async (settings: Settings, env: Io["env"]): Promise<Grant | undefined> => {
  if (!existsSync(settings.state.dir)) return undefined;
  return openStoredSession(await openState(settings, env)).load();
};

const isoOrNull = (at: EpochMs | null): string | null => (at === null ? null : iso(at));

/** What the state folder alone tells; no token is in it. */
const stoppedFacts = (settings: Settings, grant: Grant | undefined) => ({
  device: settings.device,
  signedIn: grant !== undefined,
  owner: grant?.identity ?? null,
  tokensIssuedAt: grant === undefined ? null : iso(grant.issuedAt),
  signedInUntil: isoOrNull(
    grant === undefined ? null : signedInUntil(grant, settings.org.idleDays, !byPerson(settings.org.signIn)),
  ),
  warnings: settingsWarnings(settings),
});

const stoppedText = (
  {
    device,
    signedIn,
    owner,
    tokensIssuedAt,
    signedInUntil: until,
    warnings,
  }: ReturnType<typeof stoppedFacts>,
  now: EpochMs,
): string =>
  [
    row("board", `${device.name} (${device.id})`),
    row("state", "not running"),
    row("", "porchlight run starts it; as a service: sudo systemctl start porchlight"),
    row("owner", signedIn ? (owner?.name ?? "somebody (the org has not said who)") : "nobody"),
    ...(tokensIssuedAt === null ? [] : [row("tokens", `from ${momentWords(tokensIssuedAt, now)}`)]),
    ...signInRows(tokensIssuedAt, until, now),
    ...warningRows(warnings),
  ].join("");

/** `porchlight status` */
export const statusCommand: RunCommand = async (args, io) => {
  const { settings } = loadSettings(args, io, parseToExamine);
  const json = args.flags.has("json");
  const now = epochMs(Date.now());
  const running = await askAgent(settings.state.dir, { ask: "status" }, new AbortController().signal);
  const run = lastRun(settings.state.dir) ?? null;
  const say = (moment: string): string => momentWords(moment, now);
  if (running !== undefined) {
    const words = runningText(running, now) + (run === null ? "" : row("started", startedWords(run, say)));
    io.stdout.write(json ? `${plainJson({ running: true, ...running, run })}\n` : words);
    return 0;
  }
  const facts = stoppedFacts(settings, await storedGrant(settings, io.env));
  const words = stoppedText(facts, now) + (run === null ? "" : row("last run", endedWords(run, say)));
  io.stdout.write(json ? `${plainJson({ running: false, ...facts, run })}\n` : words);
  return 0;
};
