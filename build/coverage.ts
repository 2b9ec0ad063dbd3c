// What V8 has called of a bundle while an agent ran from it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";

/** A function's place in a text. */
export interface Place {
  readonly start: number;
  readonly end: number;
}

/** A function of the bundle, and how often it was called. */
export interface Covered extends Place {
  readonly count: number;
}

/** What V8's coverage says of a file (https://chromedevtools.github.io/devtools-protocol/v8/Profiler/). */
interface Coverage {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly ranges: readonly [
        { readonly startOffset: number; readonly endOffset: number; readonly count: number },
      ];
    }[];
  }[];
}

/** An agent on a new board, with a folder of its own for what it keeps. */
export interface TrialAgent {
  readonly folder: string;
  /** Its events so far, a line of JSON each. */
  readonly printed: () => string;
  /** Looks again and again until there is an answer; throws when the agent ends or it takes too long. */
  readonly until: <T>(look: () => T | undefined | false) => Promise<T>;
}

const PATIENCE_MS = 30_000;

/**
 * Runs the agent with these settings until `drive` is through, then stops it; the functions of the file `bundle` but for the
 * file itself.
 */
export const coverageOf = async (
  bundle: string,
  settings: Readonly<Record<string, unknown>>,
  drive: (agent: TrialAgent) => Promise<void>,
): Promise<readonly Covered[]> => {
  const folder = mkdtempSync(join(tmpdir(), "porchlight-trial-"));
  try {
    const file = join(folder, "settings.json");
    writeFileSync(file, JSON.stringify({ ...settings, display: "none", state: { dir: folder } }));
    const child = spawn(process.execPath, [bundle, "run", "--json", "--settings", file], {
      env: { PATH: process.env.PATH, NODE_V8_COVERAGE: join(folder, "coverage") },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let printed = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        printed += chunk.toString();
      });
    const ended = once(child, "close");
    const end = performance.now() + PATIENCE_MS;
    const until: TrialAgent["until"] = async (look) => {
      for (;;) {
        const found = look();
        if (found !== undefined && found !== false) return found;
        const isOver = child.exitCode !== null || child.signalCode !== null;
        if (isOver || performance.now() > end)
          throw new Error(`the bundle ${isOver ? "has ended" : "takes too long"}:\n${printed}`);
        await sleep(20);
      }
    };
    try {
      await drive({ folder, printed: () => printed, until });
    } finally {
      child.kill("SIGTERM");
      await ended;
    }
    const url = pathToFileURL(bundle).href;
    return readdirSync(join(folder, "coverage")).flatMap((name) => {
      const { result }: Coverage = JSON.parse(readFileSync(join(folder, "coverage", name), "utf8"));
      return result
        .filter((script) => script.url === url)
        .flatMap(({ functions }) => functions.map(({ ranges: [whole] }) => whole))
        .filter(({ startOffset }) => startOffset > 0)
        .map(({ startOffset, endOffset, count }) => ({ start: startOffset, end: endOffset, count }));
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
