import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { inChangeWords } from "../../../firmware-sim/phone-words.ts";
import { createWorld } from "../../../firmware-sim/world.ts";
import type { LightChange } from "../../../src/model.ts";

await Promise.all([import("mqtt-packet"), import("mqtt/lib/client")]);

const never = new AbortController().signal;

describe("commands in words", () => {
  test.each<[LightChange, string]>([
    [{ on: true }, "on"],
    [{ on: false }, "off"],
    [{ brightness: 0.6 }, "60 %"],
    [{ colour: { mode: "temperature", kelvin: 2700 } }, "warm white"],
    [{ colour: { mode: "temperature", kelvin: 4000 } }, "white"],
    [{ colour: { mode: "temperature", kelvin: 6500 } }, "cold white"],
    [{ colour: { mode: "rgb", rgb: [1, 0, 0.5] } }, "colour #ff0080"],
    [{ colour: { mode: "none" } }, "nothing"],
    [{ effect: "identify" }, "identify"],
    [{ effect: null }, "no effect"],
  ])("%j", (change, words) => {
    expect(inChangeWords(change)).toBe(words);
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

  test("may send a board that is not its person's signed commands, and nothing else", async () => {
    await using stage = await open();
    const { clock, world } = stage;
    await clock.until(world.phone.signIn(world.person, never));
    await clock.advance(2500);
    expect(world.phone.picture).toMatchObject({ person: "Ada Okafor", connected: true });
    world.phone.signs = false;
    const send = () => clock.until(world.phone.send({ on: true }, never));
    expect((await send()).message).not.toBe("The board does not answer.");
    world.phone.signs = true;
    // Nobody listens in this world, but the broker took it.
    expect((await send()).message).toBe("The board does not answer.");
    expect((await clock.until(world.phone.ask({ do: "guests" }, never))).outcome).toBe("failed");
    const sent = world.wire.messages.filter(({ title }) => title.startsWith("PUBLISH"));
    expect(sent.map(({ ok }) => ok)).toEqual([false, true, true]);
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

  test("binds a new key to its person at every sign-in", async () => {
    await using stage = await open();
    const { clock, world } = stage;
    const nonce = async () =>
      new URL(await clock.until(world.phone.beginSignIn(never))).searchParams.get("nonce");
    expect(await nonce()).toMatch(/^[\w-]{43}$/);
    expect(await nonce()).not.toBe(await nonce());
    await expect(
      clock.until(world.phone.finishSignIn(new URL("http://127.0.0.1/callback?state=x"), never)),
    ).rejects.toThrow();
    expect(world.phone.picture.person).toBeNull();
  });
});
