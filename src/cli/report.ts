// `porchlight report`: who has which lamp, and how it is, for people and for programs.

import { systemClock, systemRandom } from "../adapters/clock.ts";
import { createHttp } from "../adapters/http.ts";
import { plainJson } from "../adapters/redact.ts";
import { writeReport } from "../adapters/report-folder.ts";
import { withServiceCredentials } from "../adapters/service-credentials.ts";
import {
  createTextLoader,
  readBoardFacts,
  readNamedText,
  readSettingsFile,
} from "../adapters/settings-file.ts";
import { untilToldToStop } from "../adapters/signals.ts";
import { settingsError } from "../agent/settings-parse.ts";
import { parseReportSettings, type ReportSettings } from "../agent/settings-report.ts";
import { AgentError } from "../errors.ts";
import { MAX_PAGE } from "../report/assets.ts";
import { csvLines } from "../report/csv.ts";
import { headFields, jsonLines } from "../report/json.ts";
import { pageParts } from "../report/page.ts";
import type { Report } from "../report/summary.ts";
import { iso } from "../units.ts";
import { type Arguments, type Io, type RunCommand, usageError } from "./command.ts";
import { durationMs } from "./duration.ts";
import { makeReport } from "./report-make.ts";
import { userAgent } from "./run.ts";

const HOUR_MS = 3_600_000;
const KEPT = 14;
const MOST = 200_000;
const LONGEST_CONDITION = 2000;
/** A broker counts as done after two seconds of quiet. */
const LEAST_BROKER_MS = 3000;

/** A whole number of an option. Throws USAGE. */
const wholeNumber = (values: Arguments["values"], name: string, otherwise: number, most: number): number => {
  const text = values[name];
  if (text === undefined) return otherwise;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > most) throw usageError(`--${name} takes a whole number from 1 to ${most}`);
  return value;
};

const loadReportSettings = ({ values }: Arguments, { env: given }: Io): ReportSettings => {
  const env = withServiceCredentials(given);
  const file = readSettingsFile(values.settings, env);
  const result = parseReportSettings({ file, env, board: readBoardFacts(env), load: createTextLoader(env) });
  if (!result.ok) throw settingsError(result.mistakes);
  return result.settings;
};

const streamsOf = async ({ broker }: ReportSettings) => {
  const text = async (path: string | null | undefined): Promise<string | null> =>
    path == null ? null : readNamedText(path);
  const tls = { ca: await text(broker?.ca), cert: await text(broker?.cert), key: await text(broker?.key) };
  const { openStream } = await import("../broker/stream.ts");
  return (url: URL, signal: AbortSignal) => openStream(url, tls, signal);
};

/** On a terminal one line that changes, elsewhere nothing: a log needs no steps. */
const progressOn = ({ stderr }: Io) => {
  let drawn = false;
  return {
    show(words: string): void {
      if (stderr.isTTY !== true) return;
      stderr.write(`\r\u001b[K${words}`);
      drawn = true;
    },
    clear(): void {
      if (drawn) stderr.write("\r\u001b[K");
    },
  };
};

const made = async (args: Arguments, io: Io): Promise<Report> => {
  const settings = loadReportSettings(args, io);
  const { values } = args;
  const where = values.where ?? null;
  if (where !== null && (where.trim() === "" || where.length > LONGEST_CONDITION))
    throw usageError("--where takes a condition in SOQL, such as \"Product2.Name = 'Porch light'\"");
  const brokerMs = durationMs("broker-wait", values["broker-wait"] ?? "60s", HOUR_MS);
  if (brokerMs < LEAST_BROKER_MS) throw usageError("--broker-wait takes 3s or more");
  const options = {
    where,
    most: wholeNumber(values, "most", MOST, 1_000_000),
    brokerMs,
  };
  const timeoutMs = durationMs("timeout", values.timeout ?? "15m", HOUR_MS);
  using told = untilToldToStop();
  const limit = AbortSignal.timeout(timeoutMs);
  const ca = settings.org.ca === null ? null : await readNamedText(settings.org.ca);
  await using client = createHttp({ ca, env: io.env, userAgent, maxBytes: MAX_PAGE });
  const progress = progressOn(io);
  try {
    return await makeReport(
      settings,
      { ...options, progress: progress.show },
      {
        clock: systemClock,
        random: systemRandom,
        http: client.http,
        openStream: await streamsOf(settings),
        assertion: async (until) =>
          (await import("../adapters/assertion.ts")).fetchAssertion(settings.org.assertion, io.env, until),
      },
      AbortSignal.any([told.signal, limit]),
    );
  } catch (error) {
    if (told.signal.aborted) throw new AgentError("INTERRUPTED", undefined, { cause: error });
    if (limit.aborted) throw new AgentError("REPORT_LATE", `after ${timeoutMs / 1000} s`, { cause: error });
    throw error;
  } finally {
    progress.clear();
  }
};

const sentence = ({ summary, problems }: Report, place: string): string => {
  const { lamps, status, needAttention } = summary;
  const missing = problems.map(({ message }) => `Not complete: ${message}\n`).join("");
  return `${lamps} lamps: ${status.online} online, ${status.offline} offline, ${status.unknown} unknown; ${needAttention} need attention.\n${missing}${place}/report.html\n`;
};

/** `porchlight report` */
export const reportCommand: RunCommand = async (args, io) => {
  const { out } = args.values;
  if (out === undefined || out === "") throw usageError("report needs --out DIR, the folder to write to");
  const keep = wholeNumber(args.values, "keep", KEPT, 10_000);
  const report = await made(args, io);
  const files = new Map<string, Iterable<string>>([
    ["report.html", pageParts(report)],
    ["report.json", jsonLines(report)],
    ["report.csv", csvLines(report.lamps)],
  ]);
  const place = await writeReport(out, iso(report.madeAt).replaceAll(":", "-"), files, keep);
  io.stdout.write(
    args.flags.has("json")
      ? `${plainJson({ ...headFields(report), folder: place })}\n`
      : sentence(report, place),
  );
  const [problem] = report.problems;
  if (problem !== undefined) throw new AgentError("REPORT_INCOMPLETE", `${problem.from}: ${problem.message}`);
  return 0;
};
