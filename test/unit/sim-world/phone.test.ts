import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { decodeResult, decodeState, encodeChange } from "../../../firmware-sim/phone-codec.ts";
import { createPhoneSignIn } from "../../../firmware-sim/phone-sign-in.ts";
import { inChangeWords } from "../../../firmware-sim/phone-words.ts";
import { createWorld } from "../../../firmware-sim/world.ts";
import type { LightChange } from "../../../src/model.ts";
import type { HttpRequest, HttpResponse } from "../../../src/ports.ts";

await Promise.all([import("mqtt-packet"), import("mqtt/lib/client")]);

const never = new AbortController().signal;

describe("commands in words and on the wire", () => {
  test.each<[LightChange, string, Record<string, unknown>]>([
    [{ on: true }, "on", { state: "ON" }],
    [{ on: false }, "off", { state: "OFF" }],
    [{ brightness: 0.6 }, "60 %", { brightness: 153 }],
    [{ colour: { mode: "temperature", kelvin: 2700 } }, "warm white", { color_temp: 2700 }],
    [{ colour: { mode: "temperature", kelvin: 4000 } }, "white", { color_temp: 4000 }],
    [{ colour: { mode: "temperature", kelvin: 6500 } }, "cold white", { color_temp: 6500 }],
    [{ colour: { mode: "rgb", rgb: [1, 0, 0.5] } }, "colour #ff0080", { color: { r: 255, g: 0, b: 128 } }],
    [{ colour: { mode: "none" } }, "nothing", {}],
    [{ effect: "identify" }, "identify", { effect: "identify" }],
    [{ effect: null }, "no effect", { effect: "none" }],
  ])("%j", (change, words, fields) => {
    expect(inChangeWords(change)).toBe(words);
    expect(JSON.parse(encodeChange(change))).toEqual({ ...fields, transition: 0.4 });
  });
});

describe("what the board says", () => {
  test.each([
    ['{"state":"ON","brightness":255,"color_temp":2700,"effect":"none"}', "temperature", null],
    ['{"state":"ON","color":{"r":255,"g":0,"b":0},"effect":"blink"}', "rgb", "blink"],
    ['{"state":"ON"}', "none", null],
  ])("%s is a state", (text, mode, effect) => {
    expect(decodeState(text)).toMatchObject({ on: true, brightness: 1, colour: { mode }, effect });
  });

  test.each(["", "[]", "null", '{"state":"MAYBE"}', '{"outcome":"perhaps"}'])("%j is nothing", (text) => {
    expect(decodeState(text)).toBeNull();
    expect(decodeResult(text)).toBeNull();
  });

  test("a refusal comes with its code and its reason", () => {
    expect(decodeResult('{"outcome":"refused","code":"COMMAND_STALE","message":"too late"}')).toEqual({
      outcome: "refused",
      code: "COMMAND_STALE",
      message: "too late",
    });
    expect(decodeResult('{"outcome":"done","code":null}')).toEqual({
      outcome: "done",
      code: null,
      message: null,
    });
  });
});

describe("the phone's own sign-in", () => {
  const make = (answers: readonly Partial<HttpResponse>[]) => {
    const asked: HttpRequest[] = [];
    const signIn = createPhoneSignIn({
      http: async (request) => {
        asked.push(request);
        return { status: 200, headers: {}, body: "{}", ...answers[asked.length - 1] };
      },
      orgUrl: "https://org.example",
      clientId: "phone",
      callback: () => "http://127.0.0.1:1/callback",
      scope: "openid",
    });
    const callback = (query: string): URL => new URL(`http://127.0.0.1:1/callback?${query}`);
    const begin = (): string => new URL(signIn.begin()).searchParams.get("state") ?? "";
    return { asked, signIn, callback, begin };
  };

  test("shows the challenge first and the verifier later, and never the same twice", async () => {
    const { signIn, callback, asked } = make([
      { body: '{"access_token":"secret"}' },
      { body: '{"name":"Ada"}' },
    ]);
    const first = new URL(signIn.begin()).searchParams.get("code_challenge");
    const second = new URL(signIn.begin()).searchParams;
    expect(second.get("code_challenge")).not.toBe(first);
    expect(second.get("code_challenge_method")).toBe("S256");
    const state = second.get("state");
    expect(await signIn.finish(callback(`code=c&state=${state}`), never)).toEqual({
      accessToken: "secret",
      name: "Ada",
    });
    const form = new URLSearchParams(asked[0]?.body);
    expect(form.get("code_verifier")?.length).toBeGreaterThanOrEqual(43);
    expect(form.get("redirect_uri")).toBe("http://127.0.0.1:1/callback");
    await expect(signIn.finish(callback(`code=c&state=${state}`), never)).rejects.toThrow();
  });

  test("takes no answer to a question it has not asked", async () => {
    const { signIn, callback, asked, begin } = make([]);
    await expect(signIn.finish(callback("code=c&state=x"), never)).rejects.toThrow();
    begin();
    await expect(signIn.finish(callback("code=c&state=x"), never)).rejects.toThrow();
    expect(asked).toEqual([]);
  });

  test("hears a No, an error of the org, and answers that are none", async () => {
    const refused = make([]);
    await expect(
      refused.signIn.finish(refused.callback(`error=access_denied&state=${refused.begin()}`), never),
    ).rejects.toThrow("access_denied");
    await expect(
      refused.signIn.finish(refused.callback(`state=${refused.begin()}`), never),
    ).rejects.toThrow();
    const failing = make([{ status: 400, body: '{"error":"invalid_grant"}' }]);
    await expect(
      failing.signIn.finish(failing.callback(`code=c&state=${failing.begin()}`), never),
    ).rejects.toThrow("invalid_grant");
    for (const body of ["7", "{}"]) {
      const odd = make([{ body }]);
      await expect(odd.signIn.finish(odd.callback(`code=c&state=${odd.begin()}`), never)).rejects.toThrow();
    }
    const nameless = make([{ body: '{"access_token":"secret"}' }]);
    expect(
      (await nameless.signIn.finish(nameless.callback(`code=c&state=${nameless.begin()}`), never)).name,
    ).toBe("somebody");
  });
});

describe("the remote", () => {
  const open = async () => {
    const clock = new VirtualClock();
    const world = await createWorld({ clock, transport: "memory" });
    return {
      clock,
      world,
      async [Symbol.asyncDispose]() {
        await clock.until(world.close());
        expect(clock.waiting).toBe(0);
        clock[Symbol.dispose]();
      },
    };
  };

  test("cannot send before it is signed in", async () => {
    await using stage = await open();
    expect((await stage.world.phone.send({ on: true }, never)).outcome).toBe("failed");
    expect(stage.world.phone.picture.trouble).not.toBeNull();
  });

  test("is not let near a lamp that is not its person's, and tries again until it is", async () => {
    await using stage = await open();
    const { clock, world } = stage;
    await clock.until(world.phone.signIn(world.person, never));
    await clock.advance(2500);
    expect(world.phone.picture).toMatchObject({ person: "Ada Okafor", connected: false });
    expect(world.wire.messages.filter(({ title }) => title === "SUBSCRIBE").length).toBeGreaterThan(1);
    await clock.until(world.phone.signOut());
    expect(world.phone.picture.person).toBeNull();
  });

  test("notices that its sign-in has ended", async () => {
    await using stage = await open();
    const { clock, world } = stage;
    await clock.until(world.phone.signIn(world.person, never));
    world.org.expireAccessTokens();
    world.broker.restart({ keepSessions: true });
    await clock.advance(3000);
    expect(world.phone.picture.person).toBeNull();
    expect(world.phone.picture.trouble).not.toBeNull();
  });
});
