// Files that the board has written itself, and that a power cut, a dying card or somebody else has written upon.

import { generateKeyPairSync } from "node:crypto";
import { crc32 } from "node:zlib";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { parseRun } from "../../../src/adapters/run-record.ts";
import { decodeFrame, encodeFrame, titleOf } from "../../../src/adapters/vault-frame.ts";
import { createSeal } from "../../../src/adapters/vault-seal.ts";
import { decodeEvening, encodeEvening } from "../../../src/agent/evening-stored.ts";
import { openHome } from "../../../src/agent/home.ts";
import { openNames } from "../../../src/agent/names.ts";
import { readBound } from "../../../src/agent/time.ts";
import { loadDeviceKey } from "../../../src/asset-token/key.ts";
import { decodeGrant, encodeGrant } from "../../../src/device-flow/grant-codec.ts";
import { decodeState, encodeState } from "../../../src/hal/stored.ts";
import { createGuests } from "../../../src/owner/guests.ts";
import { decodeReplay, encodeReplay } from "../../../src/owner/stored-replay.ts";
import { epochMs, iso } from "../../../src/units.ts";
import { MARK, same, type Target } from "../target.ts";
import { aGrant } from "./org.ts";
import { holding } from "./vault.ts";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");

/** The same frame with the checksum that it should have. */
const mended = (input: Buffer): Buffer => {
  const end = input.subarray(0, 256).indexOf(10);
  if (end < 10) return input;
  const [line, body] = [input.subarray(0, Math.max(0, end - 9)), input.subarray(end + 1)];
  const sum = crc32(Buffer.concat([line, body]))
    .toString(16)
    .padStart(8, "0");
  return Buffer.concat([line, Buffer.from(` ${sum}\n`), body]);
};

const frame = {
  key: "grant",
  generation: 12,
  form: "plain",
  body: Buffer.from(`{"accessToken":"${MARK}"}`),
} as const;

export const vaultFrame: Target = {
  name: "vault-frame",
  what: "one generation of a file of the vault, with and without a right checksum, sealed and plain",
  most: 1024 * 1024,
  sources: ["src/adapters/vault-frame.ts", "src/adapters/vault-seal.ts"],
  seeds: [
    encodeFrame(frame),
    encodeFrame({ ...frame, form: "removed", body: Buffer.alloc(0) }),
    encodeFrame({ ...frame, form: "aes-256-gcm", body: Buffer.alloc(60, 7) }),
    Buffer.from(text(encodeFrame(frame)).replace("porchlight-state 1", "porchlight-state 2")),
    Buffer.from(text(encodeFrame(frame)).replace(" grant ", " device-key ")),
    "",
  ],
  readers: [false, true].map((mend) => ({
    name: mend ? "with a right checksum" : "as it is",
    read: async (input: Buffer) => {
      const decoded = decodeFrame("grant", mend ? mended(input) : input);
      if (decoded.kind !== "frame") return decoded;
      const again = decodeFrame("grant", encodeFrame(decoded.frame));
      same("a frame", decoded, again);
      const { form, body } = decoded.frame;
      return form === "aes-256-gcm"
        ? createSeal(Buffer.alloc(32, 1)).open(titleOf(decoded.frame), body)
        : decoded;
    },
  })),
};

const evening = {
  on: "dusk",
  off: "23:00",
  timeZone: "Europe/Berlin",
  lights: null,
  brightness: 0.5,
  away: false,
};
const by = { userId: "005xx000000000AAAA", orgId: null };
const pem = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({
  type: "pkcs8",
  format: "pem",
});
const pass = { id: "p1", name: "Bo", user: "005xx0000000002AAA", may: ["switch"], until: 1_796_150_000 };

export const saved: Target = {
  name: "saved",
  what: "what lies within: grant, light, replay memory, evening, names, home, time, guest passes, key, last run",
  most: 64 * 1024,
  sources: [
    "src/device-flow/grant-codec.ts",
    "src/hal/stored.ts",
    "src/owner/stored-replay.ts",
    "src/agent/evening-stored.ts",
    "src/agent/names.ts",
    "src/agent/home.ts",
    "src/agent/time.ts",
    "src/owner/guests.ts",
    "src/adapters/run-record.ts",
  ],
  seeds: [
    text(encodeGrant(aGrant)).replace("refresh-1", MARK).replace("access-1", `00Dxx!${MARK}`),
    encodeState({ on: true, brightness: 0.4, colour: { mode: "rgb", rgb: [1, 0.5, 0] }, effect: null }),
    encodeState({ on: false, brightness: 1, colour: { mode: "temperature", kelvin: 2700 }, effect: null }),
    encodeReplay({
      floor: epochMs(1),
      newest: epochMs(2),
      horizon: null,
      ids: [["hash", epochMs(3)]],
      eras: [{ from: epochMs(1), to: epochMs(2) }],
      banned: [{ from: epochMs(5), to: epochMs(9) }],
    }),
    encodeEvening({ said: { by, schedule: evening, instead: null }, done: { of: evening, at: epochMs(5) } }),
    JSON.stringify({
      version: 1,
      by,
      names: { "": { name: "Haus", instead: "Porch light" }, main: { name: "x", instead: "y" } },
    }),
    JSON.stringify({
      version: 1,
      ...by,
      passes: [pass, { ...pass, id: "p2", daily: { from: "18:00", to: "22:00", timeZone: "Europe/Berlin" } }],
    }),
    JSON.stringify({
      startedAt: "2026-12-01T17:00:00.000Z",
      version: "1.2.3",
      boot: "b",
      before: { how: "stopped", exitCode: 70, code: "BUG", at: "2026-12-01T17:00:00.000Z" },
      end: { exitCode: 0, code: null, at: "x" },
    }),
    JSON.stringify({ version: 1, past: 1_796_150_000_000 }),
    JSON.stringify({ version: 1, past: 9_000_000_000_000_000 }),
    JSON.stringify({
      version: 1,
      by,
      place: { latitude: 52.5, longitude: 13.4 },
      timeZone: "Europe/Berlin",
      at: 1_796_150_000_000,
    }),
    JSON.stringify({ version: 1, by, place: null, timeZone: "Europe/Berlin" }),
    String(pem),
    String(pem).replace(/[A-Za-z]{20}/, MARK),
  ],
  readers: [
    {
      name: "grant",
      throws: ["STATE_DAMAGED"],
      read: (input) => {
        const grant = decodeGrant(input);
        same("a grant", text(encodeGrant(grant)), text(encodeGrant(decodeGrant(encodeGrant(grant)))));
        return grant;
      },
    },
    {
      name: "light",
      read: (input) => {
        const state = decodeState(input);
        if (state !== undefined) same("a lamp's state", state, decodeState(encodeState(state)));
        return state;
      },
    },
    {
      name: "replay memory",
      read: (input) => {
        const memory = decodeReplay(input);
        if (memory !== null) same("the replay memory", memory, decodeReplay(encodeReplay(memory)));
        return memory;
      },
    },
    {
      name: "evening",
      read: (input) => {
        const stored = decodeEvening(input);
        same("the evening", stored, decodeEvening(encodeEvening(stored)));
        return stored;
      },
    },
    {
      name: "names",
      read: async (input) => {
        const settings = { device: { name: "Porch light" }, lights: [{ id: "main", name: "Porch" }] };
        const names = await openNames(holding(input), settings, new VirtualClock());
        return [names.device, names.light("main"), names.light("__proto__")];
      },
    },
    {
      name: "guests",
      read: async (input) => {
        const owner = { userId: by.userId, orgId: null, name: "Ada", username: null };
        const guests = createGuests({ vault: holding(input), clock: new VirtualClock(), sure: () => true });
        return guests.list(owner);
      },
    },
    {
      name: "time",
      read: async (input) => {
        const bound = await readBound(holding(input));
        return bound === null ? null : iso(bound);
      },
    },
    {
      name: "home",
      read: async (input) => {
        const nobody = async (): Promise<never> => {
          throw new TypeError("nobody is asked");
        };
        const home = await openHome({
          settled: { place: null, timeZone: null },
          serial: "1",
          vault: holding(input),
          session: { load: nobody, fresh: nobody },
          org: { home: nobody },
          clock: new VirtualClock(),
          random: () => 0.5,
        });
        return home.where("Europe/Berlin");
      },
    },
    { name: "last run", read: (input) => parseRun(input.toString("utf8")) },
  ],
};

export const deviceKey: Target = {
  name: "device-key",
  what: "the board's own key on the disk",
  most: 16 * 1024,
  sources: ["src/asset-token/key.ts"],
  seeds: [
    String(pem),
    String(pem).replace(/[A-Za-z]{20}/, MARK),
    "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
  ],
  readers: [
    {
      name: "key",
      read: async (input) => {
        const told: unknown[] = [];
        const key = await loadDeviceKey(holding(input), "ES256", (error) => told.push(error.message));
        await key.sign({ sub: "x" });
        return [key.thumbprint, told];
      },
    },
  ],
};
