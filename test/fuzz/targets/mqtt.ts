// What comes over the broker.

import { correlationId, MAX_COMMAND_BYTES, parseCommand, parseSet } from "../../../src/broker/codec.ts";
import {
  readAvailability,
  readFleetAbout,
  readFleetLight,
  readFleetTopic,
} from "../../../src/broker/codec-fleet.ts";
import { passFields } from "../../../src/broker/codec-passes.ts";
import { frameCheck } from "../../../src/broker/frames.ts";
import { answerableTopic, topicsOf } from "../../../src/broker/topics.ts";
import type { ErrorCode } from "../../../src/errors.ts";
import { goJson } from "../../../src/owner/go-json.ts";
import { readPass } from "../../../src/owner/passes.ts";
import { readPkToken } from "../../../src/owner/pk-token.ts";
import { readContent } from "../../../src/owner/request.ts";
import { readEnvelope } from "../../../src/owner/signed-message.ts";
import { contentOf, createBoard, message, signIn } from "../../unit/owner/support.ts";
import { MARK, same, type Target } from "../target.ts";

const json = (value: unknown): string => JSON.stringify(value);

export const command: Target = {
  name: "mqtt-command",
  what: "a plain command",
  most: MAX_COMMAND_BYTES,
  sources: ["src/broker/codec.ts", "src/broker/codec-limits.ts"],
  seeds: [
    json({ state: "ON", brightness: 128, transition: 2, id: "c1", expiresAt: "2026-12-01T17:00:00+01:00" }),
    json({ color: { r: 255, g: 0, b: 10 }, effect: "blink" }),
    json({ color: { h: 300, s: 50 }, color_temp: 250, color_mode: "color_temp" }),
    json({ color: { x: 0.3, y: 0.3 }, flash: "long", state: "off" }),
    json({ color_temp: 2700, flash: 5, effect: null, expiresAt: 1796144400000 }),
    "OFF",
  ],
  readers: [
    {
      name: "command",
      read: (input) => {
        const parsed = parseCommand(input, "main", "correlation");
        if (parsed?.ok === true)
          for (const number of [parsed.command.change.brightness ?? 0, parsed.command.fadeMs])
            if (!Number.isFinite(number)) throw new RangeError("a number that is none");
        return parsed;
      },
    },
    {
      name: "set",
      read: (input) => {
        try {
          return parseSet(JSON.parse(input.toString("utf8")));
        } catch (error) {
          if (error instanceof SyntaxError) return null;
          throw error;
        }
      },
    },
    { name: "correlation", read: (input) => correlationId(input) },
    {
      name: "response topic",
      read: (input) => answerableTopic(input.toString("utf8"), topicsOf("porch-1", ["main"])),
    },
  ],
};

const wrong: readonly ErrorCode[] = ["COMMAND_UNREADABLE", "COMMAND_TOO_LARGE", "COMMAND_INVALID"];
const board = createBoard();
const signedIn = signIn(board.clock);
const pass = {
  id: "p1",
  name: "Bo",
  user: "005xx0000000002AAA",
  lights: ["main"],
  may: ["switch", "brightness"],
  maxBrightness: 128,
  from: 1_796_100_000,
  until: 1_796_150_000,
  daily: { from: "18:00", to: "22:00", timeZone: "Europe/Berlin" },
};
const evening = { on: "dusk+15", off: "23:00", timeZone: "Europe/Berlin", away: true };
const contents: readonly string[] = [
  { set: { state: "ON", brightness: 20 } },
  { do: "admit", light: undefined, set: undefined, pass },
  { do: "guests", light: undefined, set: undefined },
  { do: "revoke", light: undefined, set: undefined, pass: "p1" },
  { do: "rename", set: undefined, name: "Haus" },
  { do: "evening", light: undefined, set: undefined, evening },
  { do: "evening", light: undefined, set: undefined, evening: null },
  { do: "signOut", light: undefined, set: undefined },
].map((changes) => json(contentOf(board.clock, changes)));
const envelopes = contents.map((content) => message(board.clock, { content }, signedIn));

export const signedCommand: Target = {
  name: "signed-command",
  what: "a signed command as it arrives: envelope, PK token, message",
  most: MAX_COMMAND_BYTES,
  sources: [
    "src/owner/signed-message.ts",
    "src/owner/pk-token.ts",
    "src/owner/encodings.ts",
    "src/owner/go-json.ts",
  ],
  seeds: [...envelopes, json({ osm: "a.b.c" }), json({ pkt: MARK, osm: `${MARK}.${MARK}.${MARK}` })],
  readers: [
    { name: "envelope", throws: wrong, read: (input) => readEnvelope(input) },
    {
      name: "PK token",
      throws: wrong,
      read: (input) => {
        const { pkt } = readEnvelope(input);
        return pkt === null ? null : readPkToken(pkt);
      },
    },
    {
      name: "Go's JSON",
      throws: ["COMMAND_UNREADABLE"],
      read: (input) => goJson(input.toString("utf8")),
    },
  ],
};

export const signedContent: Target = {
  name: "signed-content",
  what: "what a signed command says, its signature being good",
  most: 8 * 1024,
  sources: [
    "src/owner/request.ts",
    "src/owner/passes.ts",
    "src/owner/fields.ts",
    "src/broker/codec.ts",
    "src/broker/signed-limits.ts",
  ],
  seeds: [...contents, json(pass)],
  readers: [
    { name: "content", throws: wrong, read: (input) => readContent(input.toString("utf8")) },
    {
      name: "guest pass",
      throws: wrong,
      read: (input) => {
        let value: unknown;
        try {
          value = JSON.parse(input.toString("utf8"));
        } catch {
          return null;
        }
        const read = readPass(value);
        same("a guest pass", read, readPass(JSON.parse(json(passFields(read)))));
        return read;
      },
    },
  ],
};

export const checkedCommand: Target = {
  name: "checked-command",
  what: "the same, as the board decides about it",
  most: 8 * 1024,
  sources: ["src/owner/checker.ts", "src/owner/request.ts", "src/owner/passes.ts"],
  seeds: contents,
  slow: true,
  readers: [
    {
      name: "verdict",
      read: (input) => board.check(message(board.clock, { content: input.toString("utf8") }, signedIn)),
    },
  ],
};

const id = (topic: string, payload: unknown): string =>
  `${topic}\n${typeof payload === "string" ? payload : json(payload)}`;

export const fleet: Target = {
  name: "fleet",
  what: "what boards keep at the broker, as the report reads it: a topic, a line end, a payload",
  most: 33 * 1024,
  sources: ["src/broker/codec-fleet.ts", "src/broker/topics.ts"],
  seeds: [
    id("porchlight/porch-1/availability", "online"),
    id("porchlight/porch-1/about", {
      device: { name: "Porch", serial: "1" },
      version: "1.2.3",
      owner: { name: "Ada" },
      signedInUntil: "2026-12-01T17:00:00Z",
    }),
    id("porchlight/porch-1/light/state", { state: "ON", brightness: 200, available: true, fault: null }),
    id("porchlight/porch-1/lights/stairs/state", { state: "OFF" }),
  ],
  readers: [
    {
      name: "all",
      read: (input) => {
        const end = input.indexOf(10);
        const payload = input.subarray(end + 1);
        return [
          readFleetTopic(input.subarray(0, Math.max(0, end)).toString("utf8")),
          readAvailability(payload),
          readFleetAbout(payload),
          readFleetLight(payload),
        ];
      },
    },
  ],
};

export const mqttFrames: Target = {
  name: "mqtt-frames",
  what: "bytes from the broker, before anything reads them",
  most: 64 * 1024,
  sources: ["src/broker/frames.ts"],
  seeds: [
    Buffer.from([0x20, 3, 0, 0, 0]),
    Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]),
    Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80, 1]),
  ],
  readers: [
    {
      name: "size",
      read: (input) => {
        const whole = frameCheck(1000)(input);
        // However the bytes are cut into chunks.
        const [first, second] = [input.subarray(0, input.length >> 1), input.subarray(input.length >> 1)];
        const check = frameCheck(1000);
        same("frames in two chunks", whole, check(first) && check(second));
        return whole;
      },
    },
  ],
};
