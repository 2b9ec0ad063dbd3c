import type { TextElsewhere } from "../../../src/agent/settings-kinds.ts";
import { parseSettings } from "../../../src/agent/settings-parse.ts";
import type { BoardFacts } from "../../../src/agent/settings-table.ts";

export const board: BoardFacts = {
  deviceId: "porch-0123456789ab",
  hostname: "raspberrypi",
  serial: "100000003d1d1c36",
  stateDir: "/var/lib/porchlight",
  timeZone: "Europe/Berlin",
};

/** The least that is complete. */
export const least = {
  org: { clientId: "client" },
  broker: { url: "mqtts://broker.example" },
  lights: [{ driver: "memory:" }],
};

export interface Given {
  /** The file's content: an object is written as JSON. */
  readonly file?: object | string | null;
  readonly env?: Readonly<Record<string, string>>;
  readonly board?: Partial<BoardFacts>;
  readonly texts?: Readonly<Record<string, string>>;
}

/** Reads settings as they would be on a board where `texts` are the files. */
export const parse = ({ file = least, env = {}, board: facts = {}, texts = {} }: Given) =>
  parseSettings({
    file:
      file === null
        ? null
        : {
            path: "/etc/porchlight/settings.json",
            text: typeof file === "string" ? file : JSON.stringify(file),
          },
    env,
    board: { ...board, ...facts },
    load(elsewhere: TextElsewhere) {
      const path = "file" in elsewhere ? elsewhere.file : `credential ${elsewhere.credential}`;
      const text = texts[path];
      return text === undefined ? { ok: false, problem: "does not exist" } : { ok: true, text };
    },
  });

export const settingsOf = (given: Given) => {
  const result = parse(given);
  if (!result.ok) throw new Error(JSON.stringify(result.mistakes));
  return result.settings;
};

export const mistakesOf = (given: Given) => {
  const result = parse(given);
  if (result.ok) throw new Error("no mistakes");
  return result.mistakes;
};

/** `least` with changes, group by group. */
export const withSettings = (changes: Readonly<Record<string, object | string>>) => {
  const tree: Record<string, unknown> = structuredClone(least);
  for (const [name, change] of Object.entries(changes))
    tree[name] =
      typeof change === "string" || Array.isArray(change) ? change : { ...(tree[name] as object), ...change };
  return tree;
};
