// Inputs out of inputs: bytes, words, numbers at borders, and the shapes that parsers fear.

import type { Random } from "../../src/ports.ts";
import { pick, whole } from "../chaos/seeded.ts";
import { MARK } from "./target.ts";

export interface Materials {
  /** Words that mean something to the readers. */
  readonly tokens: readonly string[];
  /** Another input of the same target. */
  readonly other: Buffer;
  /** In bytes; a little more is made at times, so that caps are met. */
  readonly most: number;
}

type Mutation = (input: Buffer, random: Random, materials: Materials) => Buffer;

const one = <T>(random: Random, list: readonly T[]): T => {
  const chosen = list[whole(random, 0, list.length - 1)];
  if (chosen === undefined) throw new RangeError("nothing to choose from");
  return chosen;
};

const numbers = [
  "0",
  "-0",
  "-1",
  "1",
  "255",
  "256",
  "65535",
  "65536",
  "2147483647",
  "2147483648",
  "4294967295",
  "4294967296",
  "9007199254740991",
  "9007199254740992",
  "99999999999999999999",
  "1e308",
  "1e309",
  "-1e309",
  "1e-400",
  "0.1",
  "253402300800",
  "8640000000000000",
  "8640000000000001",
  "1e21",
  "00",
  "0x10",
  "NaN",
  "Infinity",
];
const texts = [
  "",
  " ",
  "\u0000",
  "\r\n",
  "\u2028",
  "\u202e",
  "\ufeff",
  "\ud800",
  "é",
  "😀",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "%",
  "%00",
  "%zz",
  "../../etc/passwd",
  "javascript:alert(1)",
  "https://evil.example",
  "http://127.0.0.1:1/",
  "//evil.example",
  "<script>",
  "null",
  MARK,
];
const bytes = [
  0, 1, 9, 10, 13, 32, 34, 39, 44, 46, 47, 58, 61, 91, 92, 93, 123, 125, 127, 128, 0xc0, 0xed, 0xf0, 0xf7,
  0xfe, 255,
];

/** A place in the input, its ends included. */
const place = (input: Buffer, random: Random): number => whole(random, 0, input.length);

const put = (input: Buffer, at: number, gone: number, what: Buffer | string): Buffer =>
  Buffer.concat([input.subarray(0, at), Buffer.from(what), input.subarray(at + gone)]);

const range = (input: Buffer, random: Random): [at: number, length: number] => {
  const at = place(input, random);
  const left = input.length - at;
  return [at, whole(random, 0, random() < 0.7 ? Math.min(left, 16) : left)];
};

/** A value where JSON may have one. */
const value = (random: Random): unknown => {
  switch (whole(random, 0, 8)) {
    case 0:
      return one(random, [null, true, false, [], {}]);
    case 1:
      return Number(one(random, numbers)) || 0;
    case 2:
      return one(random, numbers);
    case 3:
      return one(random, texts);
    case 4:
      return "a".repeat(one(random, [17, 64, 65, 128, 129, 256, 1024, 1025, 4096]));
    case 5:
      return [null];
    case 6:
      return { [one(random, texts)]: one(random, texts) };
    case 7:
      return Array.from({ length: one(random, [2, 3, 4, 33, 300]) }, () => 1);
    default:
      return random();
  }
};

const isObject = (node: unknown): node is Record<string, unknown> =>
  typeof node === "object" && node !== null && !Array.isArray(node);

/** The same tree with something else at one of its places. */
const bent = (node: unknown, random: Random, tokens: readonly string[], depth = 0): unknown => {
  const deeper = depth < 12 && random() < 0.75;
  if (Array.isArray(node) && node.length > 0 && deeper) {
    const at = whole(random, 0, node.length - 1);
    switch (whole(random, 0, 5)) {
      case 0:
        return node.toSpliced(at, 1);
      case 1:
        return node.toSpliced(at, 0, node[at]);
      default:
        return node.with(at, bent(node[at], random, tokens, depth + 1));
    }
  }
  if (isObject(node) && deeper) {
    const names = Object.keys(node);
    const name = names.length === 0 ? one(random, tokens) : one(random, names);
    switch (whole(random, 0, 7)) {
      case 0:
        return Object.fromEntries(Object.entries(node).filter(([each]) => each !== name));
      case 1:
        return { ...node, [one(random, tokens)]: node[name] ?? value(random) };
      case 2:
        return { ...node, [one(random, texts)]: value(random) };
      default:
        return { ...node, [name]: bent(node[name], random, tokens, depth + 1) };
    }
  }
  if (typeof node === "string" && random() < 0.5) {
    const text = one(random, [one(random, tokens), one(random, texts)]);
    const at = whole(random, 0, node.length);
    return random() < 0.5
      ? text
      : node.slice(0, at) + text + node.slice(random() < 0.5 ? at : at + text.length);
  }
  return random() < 0.1 ? [node] : value(random);
};

/** JSON in the input: the whole of it, or what stands behind an empty line. */
const inJson: Mutation = (input, random, { tokens }) => {
  const text = input.toString("utf8");
  const head = /^[^{["]*\n\n/.exec(text)?.[0] ?? "";
  try {
    const tree: unknown = JSON.parse(text.slice(head.length));
    return Buffer.from(head + JSON.stringify(bent(tree, random, tokens)));
  } catch {
    return input;
  }
};

/** JSON in base64url somewhere in the input, as in a JWT. */
const inBase64url: Mutation = (input, random, { tokens }) => {
  const text = input.toString("latin1");
  const parts = [...text.matchAll(/eyJ[\w-]{4,}/g)];
  if (parts.length === 0) return input;
  const { 0: part, index } = one(random, parts);
  try {
    const tree: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    const written = Buffer.from(JSON.stringify(bent(tree, random, tokens))).toString("base64url");
    return put(input, index, part.length, written);
  } catch {
    return input;
  }
};

const inNumber: Mutation = (input, random) => {
  const found = [...input.toString("latin1").matchAll(/-?\d+(?:\.\d+)?/g)];
  if (found.length === 0) return input;
  const { 0: old, index } = one(random, found);
  const near = String(Number(old) + whole(random, -2, 2));
  return put(input, index, old.length, random() < 0.4 ? near : one(random, numbers));
};

/** Deep nesting exhausts the stack of whoever goes down into it. */
const nest: Mutation = (input, random, { most }) => {
  const [open, close] = one(random, [
    ["[", "]"],
    ['{"a":', "}"],
    ["(", ")"],
    ["<a>", "</a>"],
    ["{[", ""],
  ] as const);
  const times =
    random() < 0.3 ? Math.floor(most / (open.length + close.length)) : one(random, [2, 33, 200, 2000]);
  const middle = random() < 0.5 ? input.toString("latin1").slice(0, 4096) : "1";
  return Buffer.from(open.repeat(times) + middle + close.repeat(times), "latin1");
};

/** One piece as often as fits: what is quadratic in its input shows. */
const grow: Mutation = (input, random, { most, tokens }) => {
  const [at, length] = range(input, random);
  const piece =
    random() < 0.5
      ? input.subarray(at, at + Math.max(1, length))
      : Buffer.from(one(random, [...tokens, " ", "\\", "0", "=", "a"]));
  if (piece.length === 0) return input;
  const room = random() < 0.3 ? most - input.length : whole(random, 0, 2048);
  return put(
    input,
    at,
    0,
    Buffer.concat(Array.from({ length: Math.max(0, Math.floor(room / piece.length)) }, () => piece)),
  );
};

const mutations: readonly { readonly weight: number; readonly by: Mutation }[] = [
  {
    weight: 2,
    by: (input, random) => {
      if (input.length === 0) return input;
      const copy = Buffer.from(input);
      const at = whole(random, 0, input.length - 1);
      copy[at] = (copy[at] ?? 0) ^ (1 << whole(random, 0, 7));
      return copy;
    },
  },
  {
    weight: 3,
    by: (input, random) => {
      if (input.length === 0) return input;
      const copy = Buffer.from(input);
      copy[whole(random, 0, input.length - 1)] = random() < 0.5 ? one(random, bytes) : whole(random, 0, 255);
      return copy;
    },
  },
  {
    weight: 2,
    by: (input, random) =>
      put(
        input,
        place(input, random),
        0,
        Buffer.from(Array.from({ length: whole(random, 1, 4) }, () => one(random, bytes))),
      ),
  },
  {
    weight: 3,
    by: (input, random) => {
      const [at, length] = range(input, random);
      return put(input, at, length, "");
    },
  },
  {
    weight: 2,
    by: (input, random) => {
      const [at, length] = range(input, random);
      return put(input, place(input, random), 0, input.subarray(at, at + length));
    },
  },
  {
    weight: 5,
    by: (input, random, { tokens }) => {
      const token = one(random, tokens);
      const at = place(input, random);
      return put(input, at, random() < 0.5 ? 0 : token.length, token);
    },
  },
  {
    weight: 2,
    by: (input, random) => put(input, place(input, random), whole(random, 0, 4), one(random, texts)),
  },
  {
    weight: 3,
    by: (input, random, { other }) => {
      const [at, length] = range(other, random);
      const [from, gone] = range(input, random);
      return put(input, from, gone, other.subarray(at, at + length));
    },
  },
  {
    weight: 2,
    by: (input, random, { other }) =>
      Buffer.concat([input.subarray(0, place(input, random)), other.subarray(place(other, random))]),
  },
  { weight: 4, by: inNumber },
  { weight: 10, by: inJson },
  { weight: 4, by: inBase64url },
  { weight: 0.2, by: nest },
  { weight: 0.4, by: grow },
];
/** A child of the input. The same numbers give the same child. */
export const mutate = (input: Buffer, random: Random, materials: Materials): Buffer => {
  let child = input;
  // Often one change, at times several upon each other.
  for (let times = 1 + Math.floor(-Math.log(1 - random()) * 1.2); times > 0; times--) {
    child = pick(random, mutations).by(child, random, materials);
  }
  return child.subarray(0, materials.most + (random() < 0.02 ? 64 : 0));
};
