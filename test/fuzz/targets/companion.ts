// The phone's side: what it scans, opens and hears.

import { readAbout } from "../../../companion/core/about.ts";
import { readAllowance } from "../../../companion/core/allowance.ts";
import { readAnswer } from "../../../companion/core/answer.ts";
import { readApproval } from "../../../companion/core/approve.ts";
import { readArrival } from "../../../companion/core/arrival.ts";
import { type Boards, hear } from "../../../companion/core/boards.ts";
import { readConfig } from "../../../companion/core/config.ts";
import { readEvening } from "../../../companion/core/evening.ts";
import { boardLink, guestLink, readBoardLink, readGuestLink } from "../../../companion/core/guest-link.ts";
import { readMembers } from "../../../companion/core/http.ts";
import { readIdToken } from "../../../companion/core/id-token.ts";
import { readReport } from "../../../companion/core/light.ts";
import { readPasses } from "../../../companion/core/pass.ts";
import { readTopic } from "../../../companion/core/topics.ts";
import { readFragment } from "../../../companion/core/user-agent-flow.ts";
import { MARK, same, type Target } from "../target.ts";
import { jwtOf, now } from "./org.ts";

const json = (value: unknown): string => JSON.stringify(value);
const files = (names: readonly string[]): string[] => names.map((name) => `companion/core/${name}.ts`);
const APP = "https://app.example/";
const key = {
  crv: "P-256",
  kty: "EC",
  x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
  y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
} as const;

export const appLinks: Target = {
  name: "app-links",
  what: "what is scanned, opened or typed in the app",
  most: 10 * 1024,
  sources: files(["arrival", "guest-link", "allowance", "approve", "pass", "user-agent-flow", "base64url"]),
  seeds: [
    guestLink(APP, { name: "Bo", user: "005xx0000000002AAA" }),
    guestLink(APP, { name: "Bo", key: { ...key, alg: "ES256" } }),
    boardLink(APP, {
      device: "porch-1",
      as: "key",
      allowance: {
        may: ["switch"],
        maxBrightness: 128,
        until: 1_796_150_000,
        lights: ["main"],
        daily: { from: "18:00", to: "22:00", timeZone: "Europe/Berlin" },
      },
    }),
    "https://home.my.example/setup/connect?user_code=WDJB-MJHT",
    "wdjb mjht",
    `${APP}?code=${MARK}&state=s`,
    `${APP}#access_token=${MARK}&id_token=x&state=s`,
    "blob:https://home.my.example/1",
  ],
  readers: [
    {
      name: "arrival",
      read: (input) => {
        // A browser's address is one.
        const address = URL.parse(input.toString("utf8"), APP);
        return address === null
          ? null
          : [readArrival(address.href), readArrival(readArrival(address.href).clean)];
      },
    },
    {
      name: "guest's link",
      read: (input) => {
        const card = readGuestLink(input.toString("utf8"));
        const { name, user, key } = card ?? {};
        if (name !== undefined && user) same("a guest", card, readGuestLink(guestLink(APP, { name, user })));
        else if (name !== undefined && key)
          same("a guest", card, readGuestLink(guestLink(APP, { name, key: { ...key, alg: "ES256" } })));
        return card;
      },
    },
    {
      name: "board's link",
      read: (input) => {
        const shown = readBoardLink(input.toString("utf8"));
        if (shown !== null) same("a board's link", shown, readBoardLink(boardLink(APP, shown)));
        return shown;
      },
    },
    { name: "allowance", read: (input) => readAllowance(new URLSearchParams(input.toString("utf8"))) },
    {
      name: "approval",
      read: (input) =>
        readApproval(
          input.toString("utf8"),
          "https://home.my.example",
          "https://home.my.example/setup/connect",
        ),
    },
    {
      name: "tokens in an address",
      throws: ["ORG_ANSWER"],
      read: (input) => [...readFragment(new URL(`${APP}#${input.toString("utf8")}`))],
    },
  ],
};

const about = {
  device: { id: "porch-1", name: "Porch light", serial: "1" },
  version: "1.2.3",
  trust: "owner",
  lights: [
    {
      id: "main",
      name: "Porch",
      traits: {
        dims: true,
        temperature: { minKelvin: 2200, maxKelvin: 6500 },
        rgb: true,
        effects: ["blink"],
      },
      topics: { set: "porchlight/porch-1/light/set", state: "porchlight/porch-1/light/state" },
    },
  ],
  owner: { userId: "005xx000000000AAAA", name: "Ada" },
  evening: {
    on: "dusk",
    off: "23:00",
    timeZone: "Europe/Berlin",
    lights: null,
    brightness: 100,
    away: false,
  },
  eveningFrom: "phone",
  signedInUntil: "2026-12-01T17:00:00Z",
  approvals: { used: 1, limit: 5 },
};
const known: Boards = hear(
  {},
  { topic: "porchlight/porch-1/about", payload: json(about), retained: true },
  "005xx000000000AAAA",
  now.wall,
);

export const appMessages: Target = {
  name: "app-messages",
  what: "what the app hears of boards, and the file that says whose app it is",
  most: 64 * 1024,
  sources: files(["about", "answer", "light", "pass", "evening", "topics", "config", "name", "boards"]),
  seeds: [
    json(about),
    json({
      id: "c1",
      outcome: "done",
      code: null,
      message: null,
      state: { state: "ON", brightness: 100, color_temp: 2700 },
      guests: [{ id: "p1", name: "Bo", user: "u", may: ["switch"], until: 1_796_150_000, key }],
    }),
    json({
      state: "ON",
      brightness: 20,
      color: { r: 1, g: 2, b: 3 },
      color_mode: "rgb",
      available: false,
      fault: "LIGHT_FAULT",
      effect: "blink",
    }),
    json({
      org: { url: "https://home.my.example/", clientId: "app" },
      broker: { url: "wss://broker.example", guest: { username: "g", password: MARK } },
      boards: ["porch-1"],
    }),
    "porchlight/porch-1/lights/stairs/state",
    "online",
  ],
  readers: [
    { name: "about", read: (input) => readAbout(input.toString("utf8")) },
    { name: "answer", read: (input) => readAnswer(input.toString("utf8")) },
    { name: "report", read: (input) => readReport(input.toString("utf8")) },
    { name: "passes", read: (input) => readPasses([readMembers(input.toString("utf8"))]) },
    { name: "evening", read: (input) => readEvening(readMembers(input.toString("utf8"))) },
    { name: "topic", read: (input) => readTopic(input.toString("utf8")) },
    { name: "app's own file", throws: ["CONFIG"], read: (input) => readConfig(input.toString("utf8")) },
    {
      name: "boards",
      read: (input) =>
        ["about", "availability", "light/state", "result/x"].map((rest) =>
          Object.keys(
            hear(
              known,
              { topic: `porchlight/porch-1/${rest}`, payload: input.toString("utf8"), retained: false },
              "u",
              now.wall,
            ),
          ),
        ),
    },
  ],
};

const claims = {
  iss: "https://home.my.example",
  sub: "u",
  aud: "app",
  nonce: "n",
  iat: now.wall / 1000,
  exp: now.wall / 1000 + 60,
};

export const appIdToken: Target = {
  name: "app-id-token",
  what: "the ID token of the phone's own sign-in",
  most: 16 * 1024,
  sources: files(["id-token", "base64url", "http"]),
  seeds: [
    jwtOf(claims),
    jwtOf({ ...claims, aud: ["app", "b"], azp: "app" }),
    jwtOf({ ...claims, exp: 1 }),
    `${MARK}.${MARK}.${MARK}`,
  ],
  readers: [
    {
      name: "claims",
      throws: ["ID_TOKEN", "PHONE_CLOCK"],
      read: (input) =>
        readIdToken(
          input.toString("utf8"),
          { issuer: "https://home.my.example", clientId: "app", nonce: "n" },
          { askedAt: now.wall, answeredAt: now.wall },
        ),
    },
  ],
};
