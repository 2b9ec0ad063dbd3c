// Which functions of the bundle a start calls, told to V8 by the one sign that it takes: parentheses around them.
//
// V8 compiles a function when it is called first, and the code cache in the program is made before anything was called:
// it would hold next to nothing. A function in parentheses is compiled with the file, so it is in the cache.

import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { coverageOf, type Place } from "./coverage.ts";

/** The functions of the file `bundle` that a start of the agent calls, until it has asked the org and listens to commands. */
export const calledAtStart = async (bundle: string): Promise<readonly Place[]> => {
  let asked = false;
  await using org = createServer(() => {
    asked = true;
  });
  org.listen(0, "127.0.0.1");
  await once(org, "listening");
  const address = org.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  const settings = {
    device: { id: "start", name: "Start", serial: "1" },
    org: { dialect: "rfc8628", url: `http://127.0.0.1:${address.port}`, clientId: "start" },
    broker: { url: "mqtts://127.0.0.1", auth: "password", username: "start", password: "start" },
    assetToken: { mode: "off" },
    commands: { trust: "broker" },
    lights: [{ id: "main", driver: "memory:" }],
  };
  const functions = await coverageOf(bundle, settings, async ({ folder, until }) => {
    await until(() => asked && existsSync(join(folder, "control.sock")));
  });
  org.closeAllConnections();
  return functions.filter(({ count }) => count > 0);
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
