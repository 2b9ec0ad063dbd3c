// What has to hold for every reader and every input.

import { AgentError, errorTable } from "../../src/errors.ts";
import { Secret } from "../../src/units.ts";
import { Contradiction, MARK, type Reader, type Target } from "./target.ts";

/** An input may keep a reader busy for so long, in milliseconds of its own thread: another program's are not counted. */
export const LONGEST_MS = 50;
/** A slow one is read so often again, and the quickest counts: code that nothing has warmed up is slow the first time. */
const AGAIN = 3;
/** Weight of an answer that needs no reason, and per byte of input. */
const GIVES = 4096;
const PER_BYTE = 32;
/** As much of a secret must not be told. */
const PIECE = 20;

export interface Finding {
  readonly target: string;
  readonly reader: string;
  readonly kind: "error" | "slow" | "heavy" | "leak" | "contradiction";
  /** In a sentence; the same fault has the same words whatever the input. */
  readonly what: string;
}

const textsOf = (error: unknown): string[] => {
  const texts: string[] = [];
  for (let each = error, depth = 0; each instanceof Error && depth < 4; each = each.cause, depth++)
    texts.push(each.message, String(each), JSON.stringify(each), each.stack ?? "");
  if (error instanceof AgentError) texts.push(error.detail ?? "");
  return texts;
};

/** Every piece of the secret that is long enough to be of use, in small letters. */
const pieces = Array.from({ length: MARK.length - PIECE + 1 }, (_, at) =>
  MARK.slice(at, at + PIECE).toLowerCase(),
);
const holdsSecret = (text: string): boolean => {
  const small = text.toLowerCase();
  return pieces.some((piece) => small.includes(piece));
};

/** Characters, bytes and members of a value, whatever is behind them. */
export const weightOf = (value: unknown, seen = new Set<object>()): number => {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 8;
  if (seen.has(value)) return 8;
  seen.add(value);
  if (value instanceof Secret) return value.reveal().length;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  const inside: Iterable<unknown> =
    value instanceof Map ? [...value].flat() : value instanceof Set ? value : Object.entries(value).flat();
  let sum = 16;
  for (const each of inside) sum += weightOf(each, seen);
  return sum;
};

/** The first line of a stack that is in the program. */
const placeOf = (error: Error): string =>
  /(?:src|companion)\/[\w./-]+:\d+/.exec(error.stack ?? "")?.[0] ?? "outside of the program";

const wrongError = (reader: Reader, error: unknown): string | null => {
  if (!(error instanceof Error)) return `throws what is no error: ${typeof error}`;
  const code: unknown = "code" in error ? error.code : undefined;
  // Errors of a part's own (Refused of src/owner, Trouble of the app) are told by their code too.
  const ours = error instanceof AgentError || error.name === "Refused" || error.name === "Trouble";
  if (!ours) return `throws ${error.name} at ${placeOf(error)}`;
  if (typeof code === "string" && (reader.throws ?? []).some((each) => each === code)) return null;
  const known = typeof code === "string" && Object.hasOwn(errorTable, code);
  return `throws ${String(code)}, which ${known ? "its documentation does not name" : "nobody knows"}`;
};

/** Time that this thread has worked, in milliseconds. */
const worked = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};

/** How one reader takes an input: null, or what is wrong with that. */
const judge = async (target: Target, reader: Reader, input: Buffer): Promise<Finding | null> => {
  const found = (kind: Finding["kind"], what: string): Finding => ({
    target: target.name,
    reader: reader.name,
    kind,
    what,
  });
  const begun = worked();
  try {
    const answer = reader.read(input);
    const value = answer instanceof Promise ? await answer : answer;
    const took = worked() - begun;
    const most = (target.gives ?? GIVES) + PER_BYTE * input.length;
    if (took <= LONGEST_MS && weightOf(value) > most)
      return found("heavy", "its answer is larger than its input allows");
  } catch (error) {
    if (error instanceof Contradiction) return found("contradiction", error.message);
    const wrong = wrongError(reader, error);
    if (wrong !== null) return found("error", wrong);
    if (textsOf(error).some(holdsSecret) && !holdsSecret(target.open?.(input) ?? ""))
      return found("leak", `tells a secret with ${String((error as { code?: unknown }).code)}`);
  }
  return worked() - begun > LONGEST_MS ? found("slow", `needs more than ${LONGEST_MS} ms`) : null;
};

/** What nobody has caught since the last input; filled by whoever runs the readers in a process of their own. */
export const escaped: unknown[] = [];

/** How all readers of a target take an input: null when as they should. */
export const look = async (target: Target, input: Buffer): Promise<Finding | null> => {
  for (const reader of target.readers) {
    let finding = await judge(target, reader, input);
    for (let again = 0; finding?.kind === "slow" && again < AGAIN; again++)
      finding = await judge(target, reader, input);
    if (finding !== null) return finding;
    const [error] = escaped.splice(0);
    if (error !== undefined)
      return {
        target: target.name,
        reader: reader.name,
        kind: "error",
        what: `lets escape ${wrongError(reader, error)}`,
      };
  }
  return null;
};
