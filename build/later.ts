// What an agent that is online and idle has never called, taken out of the text that V8 keeps for as long as the program
// runs: modules behind an `import()` or a `require`, which esbuild has wrapped into a function each. In the program they are a file
// beside the text, of which nobody reads a page until one is called; then `eval` makes the function where it stood.

import { createOrgKeys } from "../firmware-sim/org/keys.ts";
import { createWorld } from "../firmware-sim/world.ts";
import { systemClock } from "../src/adapters/clock.ts";
import { type Covered, coverageOf } from "./coverage.ts";

/** The asset's name in the program. */
export const LATER = "later.js";

/** Gives a piece of the asset; it has one byte a character. */
const load = `const $later=(from,to)=>Buffer.from(process.getBuiltinModule("node:sea").getRawAsset(${JSON.stringify(LATER)}),from,to-from).latin1Slice();`;

/** Shorter ones are not worth the call that takes their place. */
const WORTHWHILE = 200;

/** A function that has no `this` of its own. */
const ARROW = /^(?:async ?)?(?:\(|[\w$]+=>)/;

const never = new AbortController().signal;

/** The functions of the file `bundle`, with how often an agent calls them that is signed in, comes online and is stopped. */
export const calledWhenIdle = async (bundle: string): Promise<readonly Covered[]> => {
  const world = await createWorld({ clock: systemClock, transport: "loopback", orgKeys: createOrgKeys() });
  world.org.intervalSeconds = 1;
  try {
    const settings = { ...world.settingsFor(""), lights: [{ id: "main", driver: "memory:" }] };
    return await coverageOf(bundle, settings, async ({ printed, until }) => {
      const line = await until(() => /^\{"event":"code".*\}$/m.exec(printed())?.[0]);
      const code: { verificationUriComplete: string; userCode: string } = JSON.parse(line);
      const { verificationUriComplete: link, userCode } = code;
      const answer = await world.person.answerBoard({ link, userCode }, "allow", never);
      if (answer.kind !== "done") throw new Error(answer.reason);
      await until(() => printed().includes('"event":"online"'));
    });
  } finally {
    await world.close();
  }
};

/** Functions that are in no other one. */
const outermost = (functions: readonly Covered[]): readonly Covered[] => {
  let end = 0;
  return functions
    .toSorted((a, b) => a.start - b.start || b.end - a.end)
    .filter((each) => {
      if (each.start < end) return false;
      end = each.end;
      return true;
    });
};

/**
 * Takes out of `source` those arrow functions that were not called and are the one argument of a call. What is left calls them
 * where they were, with the same variables around them: a direct `eval` in strict code adds none. `import` works in no
 * text that is evaluated like that, so whoever says it stays.
 */
export const withoutLater = (
  source: string,
  functions: readonly Covered[],
): { readonly main: string; readonly later: string } => {
  if (/\$(?:later|args)\b/.test(source)) throw new Error("the bundle has a name of the build's");
  let later = "";
  let done = 0;
  const parts: string[] = [];
  for (const { start, end, count } of outermost(functions)) {
    const text = source.slice(start, end);
    const isArgument = source[start - 1] === "(" && source[end] === ")" && ARROW.test(text);
    if (count > 0 || !isArgument || text.length < WORTHWHILE || /\bimport\b/.test(text)) continue;
    const call = `(...$args)=>eval($later(${later.length},${later.length + text.length}))(...$args)`;
    parts.push(source.slice(done, start), call);
    later += text;
    done = end;
  }
  const main = [...parts, source.slice(done)].join("");
  const afterFirstLine = main.startsWith("#!") ? main.indexOf("\n") + 1 : 0;
  return { main: `${main.slice(0, afterFirstLine)}${load}\n${main.slice(afterFirstLine)}`, later };
};
