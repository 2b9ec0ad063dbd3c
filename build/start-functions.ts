// Which functions of the bundle a start calls, told to V8 by the one sign that it takes: parentheses around them.
//
// V8 compiles a function when it is called first, and the code cache in the program is made before anything was called:
// it would hold next to nothing. A function in parentheses is compiled with the file, so it is in the cache.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";

/** A function's place in a text. */
export interface Place {
  readonly start: number;
  readonly end: number;
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

const PATIENCE_MS = 30_000;

/** Starts the agent in `folder` as on a new board, until it has asked the org and listens to commands; then stops it. */
const startAndStop = async (bundle: string, folder: string): Promise<void> => {
  const asked = Promise.withResolvers<void>();
  await using org = createServer(() => asked.resolve());
  org.listen(0, "127.0.0.1");
  await once(org, "listening");
  const address = org.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  const settings = join(folder, "settings.json");
  writeFileSync(
    settings,
    JSON.stringify({
      device: { id: "start", name: "Start", serial: "1" },
      org: { dialect: "rfc8628", url: `http://127.0.0.1:${address.port}`, clientId: "start" },
      broker: { url: "mqtts://127.0.0.1", auth: "password", username: "start", password: "start" },
      assetToken: { mode: "off" },
      commands: { trust: "broker" },
      lights: [{ id: "main", driver: "memory:" }],
      display: "none",
      state: { dir: folder },
    }),
  );
  const child = spawn(process.execPath, [bundle, "run", "--json", "--settings", settings], {
    env: { PATH: process.env.PATH, NODE_V8_COVERAGE: join(folder, "coverage") },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
    });
  const ended = once(child, "close");
  const failed = (why: string) => () => {
    throw new Error(`the bundle does not start: ${why}\n${printed}`);
  };
  const late = sleep(PATIENCE_MS, undefined, { ref: false }).then(failed("it takes too long"));
  try {
    await Promise.race([asked.promise, ended.then(failed("it has ended")), late]);
    while (!existsSync(join(folder, "control.sock"))) await Promise.race([sleep(20), late]);
  } finally {
    child.kill("SIGTERM");
    await ended;
    org.closeAllConnections();
  }
};

/** The functions of the file `bundle` that a start of the agent calls. */
export const calledAtStart = async (bundle: string): Promise<readonly Place[]> => {
  const folder = mkdtempSync(join(tmpdir(), "porchlight-start-"));
  try {
    await startAndStop(bundle, folder);
    const url = pathToFileURL(bundle).href;
    return readdirSync(join(folder, "coverage")).flatMap((name) => {
      const { result }: Coverage = JSON.parse(readFileSync(join(folder, "coverage", name), "utf8"));
      return result
        .filter((script) => script.url === url)
        .flatMap(({ functions }) => functions.map(({ ranges: [whole] }) => whole))
        .filter(({ startOffset, count }) => startOffset > 0 && count > 0)
        .map(({ startOffset, endOffset }) => ({ start: startOffset, end: endOffset }));
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** The end of the parentheses that open at `start`; texts in them are skipped. */
const closingAt = (text: string, start: number): number => {
  let depth = 0;
  for (const { 0: sign, index } of text.slice(start).matchAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[()]/g)) {
    if (sign === "(") depth++;
    if (sign === ")" && --depth === 0) return start + index;
  }
  return -1;
};

/** True for an arrow function, and for a `function` that is a value: around others no parentheses can stand. */
const isValue = (source: string, { start, end }: Place): boolean => {
  const text = source.slice(start, end);
  const before = source.slice(Math.max(0, start - 8), start);
  if (/^(?:async )?function\b/.test(text)) return /(?:[=(,:?&|[]|\breturn )$/.test(before);
  if (/^(?:async )?[\w$]+=>/.test(text)) return true;
  const open = /^(?:async)?\(/.exec(text)?.[0].length ?? 0;
  const close = open > 0 ? closingAt(text, open - 1) : -1;
  return close > 0 && text.startsWith("=>", close + 1);
};

/** `source`, minified, with parentheses around those of its functions at `places` that are values. */
export const inParentheses = (source: string, places: readonly Place[]): string => {
  const signs = places
    .filter((place) => isValue(source, place))
    .flatMap(({ start, end }) => [
      { at: start, sign: "(" },
      { at: end, sign: ")" },
    ])
    .sort((a, b) => a.at - b.at);
  let done = 0;
  const parts = signs.map(({ at, sign }) => {
    const part = source.slice(done, at) + sign;
    done = at;
    return part;
  });
  return parts.join("") + source.slice(done);
};
