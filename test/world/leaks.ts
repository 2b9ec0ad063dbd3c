// Looks for secrets in what a program has told, however they are written and be it only a piece of one.

import { createPrivateKey } from "node:crypto";
import type { HandedOut } from "../../firmware-sim/secrets.ts";

export interface Told {
  /** `journal`, `topic light/state`, `file last-run.json` … */
  readonly where: string;
  readonly text: string;
}

export interface Leak {
  readonly where: string;
  readonly kind: string;
  readonly piece: string;
}

/** As much of a secret must not be told. */
const PIECE = 16;
/** Anything shorter is no secret: it stands in other words by chance. */
const SHORTEST = 8;

/** The private numbers of a key, each as JSON Web Keys have them. */
const numbersOf = (pem: string): string[] => {
  const jwk = createPrivateKey(pem).export({ format: "jwk" });
  return [jwk.d, jwk.p, jwk.q, jwk.dp, jwk.dq, jwk.qi].filter((each) => each !== undefined);
};

/** What of a secret nobody could guess: without the parts that are the same in all of its kind. */
const heartsOf = ({ value }: HandedOut): string[] => {
  if (value.includes("PRIVATE KEY")) {
    const inside = value.replace(/-----[^-]+-----|\s/g, "");
    return [inside.slice(48, -16), ...numbersOf(value)];
  }
  // SAML, as it is or in base64: what is in it is known to many, its signature is not.
  const xml = value.startsWith("<") ? value : Buffer.from(value, "base64").toString("utf8");
  if (xml.startsWith("<"))
    return [
      value.slice(value.length / 2),
      ...[...xml.matchAll(/>([A-Za-z0-9+/=\s]{40,})</g)].map(([, text = ""]) => text),
    ];
  // What a JWT says is no secret, and half the world says the same; without its signature it is worth nothing.
  const [, , signature, ...more] = value.split(".");
  if (value.startsWith("eyJ") && signature !== undefined && more.length === 0) return [signature];
  return value.length < 40 ? [value] : [value.slice(value.length * 0.22, value.length * 0.95)];
};

/** The same in the ways in which texts are written into other texts. */
const waysOf = (heart: string): string[] => {
  const bytes = Buffer.from(heart);
  // In base64 a text looks different behind one or two bytes of something else.
  const shifted = [0, 1, 2].map((by) => Buffer.concat([Buffer.alloc(by), bytes]));
  return [
    heart,
    encodeURIComponent(heart),
    bytes.toString("hex"),
    ...shifted.map((each) => each.toString("base64").slice(4, -4)),
    ...shifted.map((each) => each.toString("base64url").slice(4, -4)),
  ];
};

/** Every piece of every secret in all the texts. What is shorter than a piece is looked for as a whole. */
export const leaksIn = (told: readonly Told[], secrets: readonly HandedOut[]): readonly Leak[] => {
  const pieces = new Map<string, string>();
  const short: HandedOut[] = [];
  for (const secret of secrets)
    for (const heart of heartsOf(secret).filter(({ length }) => length >= SHORTEST)) {
      if (heart.length < PIECE) short.push({ ...secret, value: heart });
      for (const way of waysOf(heart))
        for (let at = 0; at + PIECE <= way.length; at++) pieces.set(way.slice(at, at + PIECE), secret.kind);
    }
  const leaks = new Map<string, Leak>();
  const found = (where: string, kind: string, piece: string): void => {
    const key = `${where} ${kind}`;
    if (!leaks.has(key)) leaks.set(key, { where, kind, piece });
  };
  const seen = new Set<string>();
  for (const { where, text } of told) {
    const once = `${where}\n${text}`;
    if (seen.has(once)) continue;
    seen.add(once);
    for (let at = 0; at + PIECE <= text.length; at++) {
      const piece = text.slice(at, at + PIECE);
      const kind = pieces.get(piece);
      if (kind !== undefined) found(where, kind, piece);
    }
    for (const { kind, value } of short) if (text.includes(value)) found(where, kind, value);
  }
  return [...leaks.values()];
};
