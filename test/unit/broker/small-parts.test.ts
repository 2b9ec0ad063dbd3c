import { PassThrough } from "node:stream";
import fc from "fast-check";
import mqttPacket from "mqtt-packet";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { within } from "../../../src/broker/deadline.ts";
import { frameCheck, guardFrames } from "../../../src/broker/frames.ts";
import { createInbox } from "../../../src/broker/inbox.ts";
import { intervals } from "../../../src/broker/intervals.ts";
import { createProvenSenders, senderOf } from "../../../src/broker/proven-senders.ts";
import {
  connackError,
  disconnectError,
  publishError,
  refusesProtocol,
  subscribeError,
} from "../../../src/broker/reasons.ts";

describe("the check of frames", () => {
  const packet = (size: number): Buffer =>
    mqttPacket.generate({
      cmd: "publish",
      topic: "t",
      payload: "x".repeat(size),
      qos: 0,
      dup: false,
      retain: false,
    });

  it("lets packets within the limit through, however they are cut into chunks", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(300)),
        fc.infiniteStream(fc.integer({ min: 1, max: 50 })),
        (sizes, cuts) => {
          const check = frameCheck(303);
          const all = Buffer.concat([...sizes.map(packet), mqttPacket.generate({ cmd: "pingresp" })]);
          for (let at = 0; at < all.length; ) {
            const size = cuts.next().value;
            if (!check(all.subarray(at, at + size))) return false;
            at += size;
          }
          return true;
        },
      ),
    );
  });

  it.each([
    ["one byte too many", packet(301)],
    ["a gigantic length", Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f])],
    ["a length without an end", Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80, 0x80])],
  ])("stops %s, also behind a good packet", (_what, bytes) => {
    expect(frameCheck(303)(bytes)).toBe(false);
    expect(frameCheck(303)(Buffer.concat([packet(10), bytes]))).toBe(false);
  });

  it("on a stream speaks up once, and takes no bytes away from whoever reads", async () => {
    const stream = new PassThrough();
    let calls = 0;
    guardFrames(stream, 10, () => {
      calls++;
    });
    stream.write(packet(50));
    stream.end(packet(50));
    let bytes = 0;
    for await (const chunk of stream) bytes += chunk.length;
    expect([calls, bytes]).toEqual([1, 2 * packet(50).length]);
    expect(stream.listenerCount("data")).toBe(0);
  });
});

describe("an inbox", () => {
  it("keeps what is left for the next reader, in order", async () => {
    const inbox = createInbox<number>(10);
    const end = Promise.withResolvers<void>();
    const first = inbox.read(end.promise)[Symbol.asyncIterator]();
    inbox.push(1);
    inbox.push(2);
    expect(await first.next()).toEqual({ value: 1, done: false });
    end.resolve();
    await end.promise;
    expect((await first.next()).done).toBe(true);
    const second = inbox.read(new Promise(() => {}))[Symbol.asyncIterator]();
    expect(await second.next()).toEqual({ value: 2, done: false });
    const waiting = second.next();
    inbox.push(3);
    expect(await waiting).toEqual({ value: 3, done: false });
  });

  it("wakes a waiting reader when it ends, even while another one waits", async () => {
    const inbox = createInbox<number>(10);
    const end = Promise.withResolvers<void>();
    const first = inbox.read(end.promise)[Symbol.asyncIterator]().next();
    const second = inbox
      .read(new Promise(() => {}))
      [Symbol.asyncIterator]()
      .next();
    end.resolve();
    expect((await first).done).toBe(true);
    inbox.push(1);
    expect(await second).toEqual({ value: 1, done: false });
  });

  it("drops the oldest when it is full and says which", () => {
    const inbox = createInbox<number>(2);
    expect([1, 2, 3, 4].map((item) => inbox.push(item))).toEqual([undefined, undefined, 1, 2]);
  });

  it("drops what is to stay only when nothing else is left", () => {
    const inbox = createInbox<number>(2, (item) => item > 9);
    expect([10, 1, 2, 11, 3, 12].map((item) => inbox.push(item))).toEqual([
      undefined,
      undefined,
      1,
      2,
      3,
      10,
    ]);
  });
});

describe("senders who were obeyed before", () => {
  const command = (kid: unknown): Uint8Array => {
    const header = Buffer.from(JSON.stringify({ alg: "ES256", kid })).toString("base64url");
    return Buffer.from(JSON.stringify({ pkt: "x", osm: `${header}.e30.sig` }));
  };

  it("are known by the key that their commands name", () => {
    expect(senderOf(command("a"))).toBe("a");
  });

  it.each([
    ["no JSON", Buffer.from("nonsense")],
    ["no object", Buffer.from("7")],
    ["no message", Buffer.from("{}")],
    ["a header that cannot be read", Buffer.from('{"osm":"!.x.y"}')],
    ["no key", command(undefined)],
    ["a key that is too long", command("x".repeat(129))],
  ])("are nobody with %s", (_what, payload) => {
    expect(senderOf(payload)).toBeNull();
  });

  it("are remembered, the last ones of them", () => {
    const senders = createProvenSenders();
    senders.obeyed(null);
    expect(senders.knows(null)).toBe(false);
    for (let n = 0; n < 32; n++) senders.obeyed(`k${n}`);
    senders.obeyed("k0");
    senders.obeyed("one more");
    expect(["k0", "k1", "k2", "one more", "stranger"].map(senders.knows)).toEqual([
      true,
      false,
      true,
      true,
      false,
    ]);
  });
});

describe("an interval", () => {
  it("runs again and again until it is cleared", async () => {
    using clock = new VirtualClock();
    const { set, clear } = intervals(clock, new AbortController().signal);
    const runs: number[] = [];
    const id = set(() => runs.push(clock.mono()), 1000);
    await clock.advance(3500);
    clear(id);
    clear(id);
    await clock.advance(5000);
    expect(runs).toEqual([1000, 2000, 3000]);
    expect(clock.waiting).toBe(0);
  });

  it("may clear itself, and ends with the signal", async () => {
    using clock = new VirtualClock();
    const stop = new AbortController();
    const { set, clear } = intervals(clock, stop.signal);
    let once = 0;
    const id = set(() => {
      once++;
      clear(id);
    }, 10);
    let often = 0;
    set(() => {
      often++;
    }, 10);
    await clock.advance(50);
    stop.abort();
    await clock.advance(50);
    expect([once, often, clock.waiting]).toEqual([1, 5, 0]);
  });
});

describe("a deadline", () => {
  const late = (): Error => new Error("late");
  const never = new AbortController().signal;

  it("passes on what is in time, good or bad, and leaves no timer", async () => {
    using clock = new VirtualClock();
    expect(await within(Promise.resolve(1), 100, clock, late, never)).toBe(1);
    await expect(within(Promise.reject(new Error("bad")), 100, clock, late, never)).rejects.toThrow("bad");
    expect(clock.waiting).toBe(0);
  });

  it("ends what takes too long, or what is called off", async () => {
    using clock = new VirtualClock();
    const forever = new Promise(() => {});
    await expect(clock.until(within(forever, 100, clock, late, never))).rejects.toThrow("late");
    expect(clock.mono()).toBe(100);
    const stop = AbortSignal.abort(new Error("off"));
    await expect(within(forever, 100, clock, late, stop)).rejects.toThrow("off");
  });
});

describe("reason codes", () => {
  it.each([
    [connackError("3.1.1", 1), "BROKER_REFUSED"],
    [connackError("3.1.1", 2), "BROKER_REFUSED"],
    [connackError("3.1.1", 3), "BROKER_BUSY"],
    [connackError("3.1.1", 4), "BROKER_REFUSED"],
    [connackError("3.1.1", 5), "BROKER_REFUSED"],
    [connackError("3.1.1", 99), "BROKER_REFUSED"],
    [connackError("5", 0x9a), "BROKER_FORBIDS"],
    [disconnectError(0x8e), "BROKER_TAKEN_OVER"],
    [disconnectError(0x8b), "BROKER_BUSY"],
    [disconnectError(0x8d), "BROKER_LOST"],
    [disconnectError(0x98), "BROKER_LOST"],
    [disconnectError(0x9c), "BROKER_BUSY"],
    [disconnectError(0x00), "BROKER_LOST"],
    [publishError(0x87), "BROKER_FORBIDS"],
    [publishError(0x90), "BROKER_FORBIDS"],
    [publishError(0x97), "BROKER_BUSY"],
    [publishError(0xfe), "BROKER_LOST"],
    [subscribeError("a/b", 0x80), "BROKER_FORBIDS"],
    [subscribeError("a/b", 0xfe), "BROKER_FORBIDS"],
  ])("%s", (error, code) => {
    expect(error.code).toBe(code);
  });

  it("tell a broker of before MQTT 5 from one that says no", () => {
    expect([1, 132, 134, 5].map(refusesProtocol)).toEqual([true, true, false, false]);
  });
});
