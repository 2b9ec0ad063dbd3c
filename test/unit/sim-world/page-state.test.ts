import { describe, expect, test } from "vitest";
import { darkness, visibleLight } from "../../../firmware-sim/board-light.ts";
import { addRow, type Row } from "../../../firmware-sim/page/rows.ts";
import { pageState, type Scenery } from "../../../firmware-sim/page-server-state.ts";
import { LAMP_COLUMNS, LAMP_ROWS, lampArt } from "../../../firmware-sim/terminal/lamp-art.ts";
import { createLog, logText } from "../../../firmware-sim/terminal/log.ts";
import type { WireMessage } from "../../../firmware-sim/wire.ts";
import { plainLine } from "../../../src/adapters/redact.ts";
import type { View } from "../../../src/model.ts";
import { epochMs, monoMs } from "../../../src/units.ts";

const view: View = {
  device: { id: "porch-1", name: "Porch light", serial: "1" },
  state: "online",
  headline: "Ada's lamp",
  detail: null,
  code: null,
  owner: "Ada",
  online: true,
  problem: null,
};
const waiting: View = {
  ...view,
  online: false,
  owner: null,
  state: "waitingForApproval",
  code: {
    kind: "code",
    userCode: "AB12CD34",
    verificationUri: "https://org.example/connect",
    verificationUriComplete: "https://org.example/connect?user_code=AB12CD34",
    expiresAt: monoMs(60_000),
    signal: { colour: "blue", count: 3 },
  },
};
const scenery: Scenery = {
  now: monoMs(20_000),
  view,
  approved: true,
  hasAssetToken: true,
  obeyed: true,
  light: visibleLight(["white"], [1]),
  hardware: { pins: [], bulb: null, lamps: [] },
  phone: {
    person: "Ada",
    connected: true,
    light: null,
    lampOnline: true,
    waiting: false,
    trouble: null,
    lamps: [],
  },
  mischief: { cutNetwork: false, unplugLamp: false, unplugBulb: false },
};
const { phone, mischief } = scenery;
const problem = { code: "BROKER_BUSY", title: "The broker is busy", help: "Wait." } as const;

describe("the strip", () => {
  // Each moment of the story has a sentence of its own; which one, people may improve without breaking a test.
  const moments: readonly (readonly [string, Partial<Scenery>, number])[] = [
    ["starting", { view: null, approved: false }, 0],
    ["asking for a code", { view: { ...view, online: false }, approved: false }, 0],
    ["waiting for a yes", { view: waiting, approved: false, hasAssetToken: false }, 1],
    ["approved", { view: { ...view, online: false }, hasAssetToken: false }, 2],
    ["asset token", { view: { ...view, online: false } }, 3],
    ["online, phone not signed in", { phone: { ...phone, person: null }, obeyed: false }, 4],
    ["phone connecting", { phone: { ...phone, connected: false }, obeyed: false }, 4],
    ["all connected", { obeyed: false }, 4],
    ["command under way", { phone: { ...phone, waiting: true } }, 5],
    ["lamp on", {}, 5],
    ["lamp off", { light: darkness }, 5],
    ["network cut", { mischief: { ...mischief, cutNetwork: true } }, 5],
    ["lamp unplugged", { mischief: { ...mischief, unplugLamp: true } }, 5],
    ["problem", { view: { ...view, online: false, problem: { ...problem, retryAt: null } } }, 3],
  ];

  test.each(moments)("%s", (_name, change, progress) => {
    const state = pageState({ ...scenery, ...change }, () => null);
    expect(state.now).not.toBe("");
    expect(state.progress).toBe(progress);
  });

  test("says something different at every moment", () => {
    const said = moments.map(([, change]) => pageState({ ...scenery, ...change }, () => null).now);
    expect(new Set(said).size).toBe(moments.length);
  });

  test("tells whether a problem needs a hand or only patience", () => {
    const next = (
      retryAt: View["problem"] extends infer P ? (P extends { retryAt: infer R } ? R : never) : never,
    ) => pageState({ ...scenery, view: { ...view, problem: { ...problem, retryAt } } }, () => null).next;
    expect(next(null)).not.toBe(next(monoMs(1)));
  });
});

test("a link is no business of the phone: the page says where to open it", () => {
  const code = {
    kind: "link",
    url: "https://org.example/authorize",
    start: "http://localhost:7878/",
    tunnel: "ssh -L 7878:localhost:7878 porch",
    expiresAt: monoMs(40_000),
  } as const;
  const drawn = pageState({ ...scenery, approved: false, view: { ...waiting, code } }, () => null);
  expect(drawn).toMatchObject({ board: { code: null, link: code.start }, progress: 1 });
  expect(drawn.next).toContain(code.start);
});

test("the board's display carries the code with its picture and the time left, never below zero", () => {
  const qr = { size: 1, modules: "1" };
  const drawn = pageState({ ...scenery, view: waiting }, (link) => (link.includes("AB12") ? qr : null));
  expect(drawn.board?.code).toMatchObject({ userCode: "AB12CD34", msLeft: 40_000, qr });
  const late = pageState({ ...scenery, now: monoMs(90_000), view: waiting }, () => null);
  expect(late.board?.code).toMatchObject({ msLeft: 0, qr: null });
  const troubled = pageState(
    { ...scenery, view: { ...view, problem: { ...problem, retryAt: null } } },
    () => null,
  );
  expect(troubled.board?.problem).toEqual(problem);
});

let seq = 0;
const message = (way: string, title: string, more: Partial<WireMessage> = {}): WireMessage => {
  const [from, to] = way.split(">") as [WireMessage["from"], WireMessage["to"]];
  seq += 1;
  return {
    seq,
    at: epochMs(0),
    from,
    to,
    kind: "http",
    title,
    meaning: title,
    detail: [],
    ok: true,
    ...more,
  };
};

describe("rows of the diagram", () => {
  const rowsOf = (messages: readonly WireMessage[]): string[] => {
    const rows: Row[] = [];
    for (const each of messages) addRow(rows, each);
    return rows.map(({ message: { title }, times }) => `${title} ${times}`);
  };

  test("polling is one question and one answer, counted, whatever happens meanwhile", () => {
    expect(
      rowsOf([
        message("board>org", "ask"),
        message("org>board", "code"),
        message("board>org", "poll"),
        message("org>board", "pending"),
        message("phone>org", "page"),
        message("board>org", "poll"),
        message("org>board", "pending"),
        message("org>phone", "page"),
        message("board>org", "poll"),
        message("org>board", "tokens"),
      ]),
    ).toEqual(["ask 1", "code 1", "poll 3", "pending 2", "page 1", "page 1", "tokens 1"]);
  });

  test("the same title for another purpose is another row", () => {
    expect(
      rowsOf([
        message("board>org", "POST", { meaning: "ask" }),
        message("board>org", "POST", { meaning: "poll" }),
      ]),
    ).toEqual(["POST 1", "POST 1"]);
  });

  test("commands are rows of their own, also when they are sent again", () => {
    const mqtt = { kind: "mqtt" } as const;
    const command = [
      message("phone>broker", "set", mqtt),
      message("broker>board", "set", mqtt),
      message("board>broker", "state", mqtt),
    ];
    expect(rowsOf([...command, ...command])).toHaveLength(6);
  });
});

describe("the terminal", () => {
  test("its log keeps the newest lines and counts what repeats", () => {
    const log = createLog(2, plainLine);
    for (const title of ["a", "b", "c"]) log.add(message("board>org", title));
    expect(log.add(message("board>org", "c")).times).toBe(2);
    expect(log.lines().map(({ title, times }) => [title, times])).toEqual([
      ["b", 1],
      ["c", 2],
    ]);
  });

  test("its log has nothing that a terminal obeys, whoever said it", () => {
    const log = createLog(1, plainLine);
    const line = log.add(
      message("phone>broker", "CONNECT \u001b]0;x\u0007\u009b2J\nphone", { meaning: "\u202ea" }),
    );
    expect([line, ...log.lines()].map(({ title, meaning }) => [title, meaning])).toEqual([
      ["CONNECT  ]0;x 2J phone", "a"],
      ["CONNECT  ]0;x 2J phone", "a"],
    ]);
  });

  test.each([
    [200, true],
    [60, true],
    [40, false],
    [24, true],
  ])("a line fits into %i columns", (columns, unicode) => {
    const log = createLog(1, plainLine);
    const line = log.add(
      message("broker>phone", "PUBLISH light/state", { meaning: "What the lamp does. ".repeat(9) }),
    );
    const { text, aside } = logText(line, columns, unicode);
    expect(text.length + aside.length).toBeLessThanOrEqual(columns);
    expect(text).toMatch(unicode ? /^broker → phone/ : /^broker > phone/);
    expect(aside === "").toBe(columns < 50);
  });

  const ESC = "\u001b";
  const plain = (line: string): string => line.replaceAll(new RegExp(`${ESC}\\[[0-9;]*m`, "g"), "");

  test.each(["true", "256"] as const)("the lamp's picture has its size and its colour (%s)", (colours) => {
    const art = lampArt(visibleLight(["red"], [1]), colours, true);
    expect(art).toHaveLength(LAMP_ROWS);
    for (const line of art) expect(plain(line)).toHaveLength(LAMP_COLUMNS);
    expect(art.join("")).toContain(colours === "true" ? "38;2;" : "38;5;");
    expect(art).not.toEqual(lampArt(darkness, colours, true));
  });

  test("without colours it is drawn with characters, more of them the brighter it is", () => {
    const ink = (light: typeof darkness): number =>
      lampArt(light, "none", false).join("").replaceAll(/\s/g, "").length;
    expect(lampArt(darkness, "none", false).join("")).not.toContain(ESC);
    expect(ink(visibleLight(["white"], [1]))).toBeGreaterThan(ink(darkness));
    expect(lampArt(visibleLight(["white"], [1]), "none", true).join("")).toContain("█");
    expect(lampArt(visibleLight(["white"], [1]), "true", false).join("")).not.toContain(ESC);
  });
});
