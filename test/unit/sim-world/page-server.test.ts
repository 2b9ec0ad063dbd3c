import { request } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import type { Action, PageState } from "../../../firmware-sim/page/state.ts";
import { type PageServer, servePage } from "../../../firmware-sim/page-server.ts";
import { parseAction } from "../../../firmware-sim/page-server-actions.ts";
import { Wire } from "../../../firmware-sim/wire.ts";

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

const state: PageState = {
  now: "now",
  next: null,
  progress: 0,
  board: null,
  lamp: { rgb: [0, 0, 0], seen: 0, words: "off" },
  hardware: { pins: [], bulb: null, lamps: [] },
  phone: {
    person: null,
    connected: false,
    light: null,
    lampOnline: false,
    waiting: false,
    trouble: null,
    lamps: [],
  },
  mischief: { cutNetwork: false, unplugLamp: false, unplugBulb: false },
};

let page: PageServer;
let wire: Wire;
let now = state;
let acted: Action[];
let changed: () => void;

beforeEach(async () => {
  wire = new Wire(new VirtualClock());
  acted = [];
  now = state;
  const listeners = new Set<() => void>();
  changed = () => {
    for (const listener of listeners) listener();
  };
  page = await servePage({
    port: 0,
    frames: ["http://127.0.0.1:1234"],
    app: async () => ({
      policy: "default-src 'none'",
      files: new Map([
        ["index.html", { type: "text/html", bytes: Buffer.from("<p>the app") }],
        ["icon.png", { type: "image/png", bytes: Buffer.from([1, 2, 3]) }],
      ]),
    }),
    world: {
      panel: () => null,
      state: () => now,
      messages: () => wire.messages,
      subscribe: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      act: async (action) => {
        acted.push(action);
        return { ok: true };
      },
      finishSignIn: async (url) => `<b>${url.searchParams.get("code")}</b>`,
    },
  });
});

afterEach(() => page.close());

const ask = (
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { method = "GET", headers = {}, body } = options;
    const asked = request(new URL(path, page.url), { method, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
      });
      response.on("error", reject);
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      );
    });
    asked.on("error", reject);
    asked.end(body);
  });

const tokenOf = async (): Promise<string> =>
  /name="porchlight-token" content="([^"]+)"/.exec((await ask("/")).body)?.[1] ?? "";

const act = async (body: string, headers: Record<string, string> = {}): Promise<Answer> =>
  ask("/act", {
    method: "POST",
    body,
    headers: {
      origin: page.url.slice(0, -1),
      "x-porchlight-token": await tokenOf(),
      ...headers,
    },
  });

describe("the page's files", () => {
  test("may load nothing from elsewhere and show only the org's pages", async () => {
    const { status, headers } = await ask("/");
    expect(status).toBe(200);
    const policy = String(headers["content-security-policy"]);
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain("frame-src 'self' http://127.0.0.1:1234");
    expect(policy).not.toContain("unsafe");
  });

  test("are plain scripts for the browser, without types", async () => {
    const { status, headers, body } = await ask("/main.ts");
    expect(status).toBe(200);
    expect(headers["content-type"]).toContain("text/javascript");
    expect(body).not.toContain("import type");
    expect(body).not.toContain(": PageState");
    expect(body).toContain('from "./diagram.ts"');
  });

  test("are the page's only: nothing else of the disk is served", async () => {
    for (const path of ["/page-server.ts", "/../world.ts", "/%2e%2e/world.ts", "/tsconfig.json", "/nothing"])
      expect((await ask(path)).status).toBe(404);
  });
});

describe("another web page cannot use it", () => {
  test("a foreign host name that leads here is refused", async () => {
    expect((await ask("/", { headers: { host: "evil.example" } })).status).toBe(421);
    expect((await ask("/events", { headers: { host: "evil.example" } })).status).toBe(421);
  });

  test("localhost is sent on to 127.0.0.1, where the org's cookies count", async () => {
    const { port } = new URL(page.url);
    const { status, headers } = await ask("/x?y=1", { headers: { host: `localhost:${port}` } });
    expect(status).toBe(302);
    expect(headers.location).toBe(`http://127.0.0.1:${port}/x?y=1`);
    expect((await ask("/act", { method: "POST", headers: { host: `localhost:${port}` } })).status).toBe(421);
  });

  test.each([
    ["another origin", { origin: "http://evil.example" }],
    ["another port of this computer", { origin: "http://127.0.0.1:1" }],
    ["no token", { "x-porchlight-token": "" }],
    ["a wrong token of the right length", { "x-porchlight-token": "A".repeat(32) }],
  ])("an action from %s is refused", async (_name, headers) => {
    expect((await act('{"act":"scan"}', headers)).status).toBe(403);
    expect(acted).toEqual([]);
  });

  test("other methods, bodies without end and requests that are none are refused", async () => {
    expect((await ask("/", { method: "DELETE" })).status).toBe(405);
    expect((await act("x".repeat(20_000))).status).toBe(400);
    expect(acted).toEqual([]);
  });
});

describe("actions", () => {
  test("reach the world", async () => {
    const { status, body } = await act('{"act":"light","change":{"on":true,"brightness":0.5}}');
    expect([status, body]).toEqual([200, '{"ok":true}']);
    expect(acted).toEqual([{ act: "light", change: { on: true, brightness: 0.5 } }]);
  });

  test("that are none are told so", async () => {
    const { status, body } = await act('{"act":"explode"}');
    expect(status).toBe(400);
    expect(JSON.parse(body)).toMatchObject({ ok: false });
  });

  test.each<[string, Action]>([
    ['{"act":"scan","more":1}', { act: "scan" }],
    ['{"act":"openRemote"}', { act: "openRemote" }],
    ['{"act":"forgetRemote"}', { act: "forgetRemote" }],
    ['{"act":"button","down":true}', { act: "button", down: true }],
    ['{"act":"button","down":false}', { act: "button", down: false }],
    ['{"act":"light","change":{},"lamp":"hall"}', { act: "light", change: {}, lamp: "hall" }],
    ['{"act":"mischief","name":"unplugBulb","on":true}', { act: "mischief", name: "unplugBulb", on: true }],
    ['{"act":"mischief","name":"cutNetwork","on":true}', { act: "mischief", name: "cutNetwork", on: true }],
    ['{"act":"blow","name":"revoke"}', { act: "blow", name: "revoke" }],
    ['{"act":"light","change":{"effect":null}}', { act: "light", change: { effect: null } }],
    [
      '{"act":"light","change":{"colour":{"mode":"temperature","kelvin":2700}}}',
      { act: "light", change: { colour: { mode: "temperature", kelvin: 2700 } } },
    ],
    [
      '{"act":"light","change":{"colour":{"mode":"rgb","rgb":[1,0,0.5]}}}',
      { act: "light", change: { colour: { mode: "rgb", rgb: [1, 0, 0.5] } } },
    ],
  ])("%s is read", (text, action) => {
    expect(parseAction(text)).toEqual(action);
  });

  test.each([
    "",
    "7",
    "[]",
    "null",
    "{}",
    '{"act":"light"}',
    '{"act":"light","change":{"on":1}}',
    '{"act":"light","change":{"brightness":2}}',
    '{"act":"light","change":{"brightness":"1"}}',
    '{"act":"light","change":{"effect":"disco"}}',
    '{"act":"light","change":{"colour":7}}',
    '{"act":"light","change":{"colour":{"mode":"temperature","kelvin":1}}}',
    '{"act":"light","change":{"colour":{"mode":"rgb","rgb":[1,0]}}}',
    '{"act":"light","change":{"colour":{"mode":"rgb","rgb":7}}}',
    '{"act":"mischief","name":"cutNetwork"}',
    '{"act":"mischief","name":"fire","on":true}',
    '{"act":"blow","name":"fire"}',
  ])("%s is not", (text) => {
    expect(parseAction(text)).toBeNull();
  });
});

test("the org's callback page shows the sentence as text, not as markup", async () => {
  const { status, body } = await ask("/callback?code=1&state=2");
  expect(status).toBe(200);
  expect(body).not.toContain("<b>");
  expect(body).toContain("&#60;b&#62;1");
});

test("a listener gets the picture and all messages at once, then only what is new", async () => {
  const message = {
    from: "board",
    to: "org",
    kind: "http",
    meaning: "",
    detail: [],
    ok: true,
  } as const;
  wire.record({ ...message, title: "first" });
  const heard: string[] = [];
  let waiting = Promise.withResolvers<void>();
  const until = async (text: string): Promise<void> => {
    while (!heard.join("").includes(text)) {
      waiting = Promise.withResolvers<void>();
      await waiting.promise;
    }
  };
  const asked = request(new URL("/events", page.url), (response) => {
    response.setEncoding("utf8");
    response.on("data", (part: string) => {
      heard.push(part);
      waiting.resolve();
    });
    response.on("error", () => undefined);
  });
  asked.on("error", () => undefined);
  asked.end();
  await until('"title":"first"');
  expect(heard.join("")).toContain('event: state\ndata: {"now":"now"');

  heard.length = 0;
  now = { ...state, now: "later" };
  wire.record({ ...message, title: "second" });
  changed();
  changed();
  await until('"title":"second"');
  const text = heard.join("");
  expect(text).toContain('"now":"later"');
  expect(text).not.toContain('"title":"first"');
  expect(text.match(/event: state/g)).toHaveLength(1);
  asked.destroy();
});

test("the companion app has a place of its own, with a policy of its own", async () => {
  const index = await ask("/app/");
  expect(index).toMatchObject({ status: 200, body: "<p>the app" });
  expect(index.headers["content-security-policy"]).toBe("default-src 'none'; frame-ancestors 'none'");
  expect((await ask("/app/icon.png")).headers["content-type"]).toBe("image/png");
  expect(await ask("/app")).toMatchObject({ status: 302, headers: { location: "/app/" } });
  expect((await ask("/app/nothing")).status).toBe(404);
});

test("a page without an app says so", async () => {
  await page.close();
  const world = {
    panel: () => null,
    state: () => state,
    messages: () => [],
    subscribe: () => () => undefined,
    act: async () => ({ ok: true }) as const,
    finishSignIn: async () => "",
  };
  page = await servePage({ port: 0, frames: [], app: null, world });
  expect((await ask("/app/")).status).toBe(404);
});

test("a taken port is told", async () => {
  const { port } = new URL(page.url);
  const world = {
    panel: () => null,
    state: () => state,
    messages: () => [],
    subscribe: () => () => undefined,
    act: async () => ({ ok: true }) as const,
    finishSignIn: async () => "",
  };
  await expect(servePage({ port: Number(port), frames: [], app: null, world })).rejects.toMatchObject({
    code: "EADDRINUSE",
  });
});
