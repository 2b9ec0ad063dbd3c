// What an examination found, for people; and the code that one of them approves.

import { proxyFor } from "../adapters/proxy.ts";
import { plainLine } from "../adapters/redact.ts";
import { bareHost } from "../bare-host.ts";
import type { Check, Verdict } from "../doctor/check.ts";
import type { ProxyNamed } from "../doctor/network.ts";
import type { QrMatrix } from "../hal/displays/qr.ts";
import { drawCode, type TerminalAbilities } from "../hal/displays/terminal-art.ts";
import { wrap } from "../hal/displays/text.ts";
import type { DeviceCode } from "../model.ts";
import type { Io, Output } from "./command.ts";

const marks: Readonly<Record<Verdict, readonly [word: string, colour: number]>> = {
  ok: ["ok", 32],
  warning: ["warning", 33],
  wrong: ["wrong", 31],
  notTried: ["not tried", 90],
};

const MARK_COLUMNS = 11;
const TITLE_COLUMNS = 27;
const WIDTH = 111;

/** One check, with its lines ended. The words are safe for a terminal: from outside comes nothing that moves a cursor. Secrets are taken out before. */
export const checkText = (check: Check, colour: boolean): string => {
  const [word, ink] = marks[check.verdict];
  const mark = word.padEnd(MARK_COLUMNS);
  const head = colour ? `\u001b[${ink}m${mark}\u001b[0m` : mark;
  const indent = " ".repeat(MARK_COLUMNS + TITLE_COLUMNS);
  const todo = check.todo === null ? [] : wrap(`> ${plainLine(check.todo)}`, WIDTH - indent.length);
  const lines = [
    ...wrap(plainLine(check.saw), WIDTH - indent.length),
    ...(check.means === null ? [] : wrap(plainLine(check.means), WIDTH - indent.length)),
    ...todo.map((line, index) => (index === 0 ? line : `  ${line}`)),
    ...(check.code === null ? [] : [`docs/errors.md, ${check.code}`]),
  ];
  const [first = "", ...more] = lines;
  const title = check.title.padEnd(TITLE_COLUMNS);
  return `${head}${title}${first}\n${more.map((line) => `${indent}${line}\n`).join("")}`;
};

/** True when nothing is wrong; warnings and what was not tried are no faults. */
export const isWell = (checks: readonly Check[]): boolean =>
  checks.every(({ verdict }) => verdict !== "wrong");

/** The last line. */
export const sumText = (checks: readonly Check[]): string => {
  const count = (verdict: Verdict, one: string, many: string): string | null => {
    const found = checks.filter((each) => each.verdict === verdict).length;
    return found === 0 ? null : `${found} ${found === 1 ? one : many}`;
  };
  const bad = count("wrong", "thing is wrong", "things are wrong");
  if (bad !== null) return `${bad}.\n`;
  const rest = [
    count("warning", "warning", "warnings"),
    count("notTried", "step was not tried", "steps were not tried"),
  ].filter((each) => each !== null);
  return rest.length === 0 ? "All well.\n" : `Nothing is wrong; ${rest.join(", ")}.\n`;
};

/** True where a person reads along who wants colours. */
export const hasColour = ({ isTTY }: Pick<Output, "isTTY">, { NO_COLOR }: Io["env"]): boolean =>
  isTTY === true && !NO_COLOR;

export const isUnicode = ({ LC_ALL, LC_CTYPE, LANG }: Io["env"]): boolean =>
  /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || "");

/** The proxy for this address, by host alone: its address may hold a password. Null: none. */
export const proxyOf = (env: Io["env"], url: string): string | null => {
  const choice = proxyFor(env, new URL(url));
  return choice.kind === "proxy" ? choice.url.host : null;
};

/** The same for a connection. */
export const proxyNamed = (env: Io["env"], url: string): ProxyNamed => {
  const choice = proxyFor(env, new URL(url));
  if (choice.kind === "none") return null;
  if (choice.kind === "passedOver") return { unreadable: true };
  const { hostname, port, protocol } = choice.url;
  return {
    host: bareHost({ hostname }),
    port: Number(port) || (protocol === "https:" ? 443 : 80),
  };
};

/** The code for whoever approves; `matrix` is null where the link is too long for one. */
export const codeText = (
  { userCode, verificationUri, verificationUriComplete }: DeviceCode,
  matrix: QrMatrix | null,
  { unicode, colour }: TerminalAbilities,
): string =>
  [
    ...(matrix === null ? [] : drawCode(matrix, unicode ? (colour ? "small" : "blocks") : "ascii")),
    `Open ${plainLine(verificationUriComplete)}`,
    `(${plainLine(verificationUri)}, code ${plainLine(userCode)}), sign in, and allow it. It is given back at the end.`,
    "Where an app has five approvals of this person already, this one signs out the oldest of them.",
    "",
  ].join("\n");
