import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { heardText, scan } from "../../../src/cli/light-scan.ts";
import type { HeardDevice } from "../../../src/hal/drivers/ble-scan.ts";
import { openStage } from "./stage.ts";

const bulb: HeardDevice = { address: "AA:BB:CC:00:11:22", name: "Triones-1", rssi: -50, profile: "triones" };
const watch: HeardDevice = { address: "AA:BB:CC:00:11:33", name: null, rssi: null, profile: null };

const surroundings = () => {
  const written = { out: "", err: "" };
  const sink = (name: "out" | "err") => ({
    write(text: string): boolean {
      written[name] += text;
      return true;
    },
  });
  return {
    written,
    io: { env: {}, stdin: new PassThrough(), keys: null, stdout: sink("out"), stderr: sink("err") },
  };
};

describe("porchlight light scan", () => {
  it("tells each lamp with the line to copy, and what no profile fits without one", async () => {
    const { io, written } = surroundings();
    const listen = async function* () {
      yield bulb;
      yield watch;
    };
    expect(await scan(1, false, io, listen)).toBe(0);
    expect(written.out).toContain('"driver": "ble:AA:BB:CC:00:11:22?profile=triones"');
    expect(written.out.match(/driver/g)).toHaveLength(1);
    expect(written.out).toContain("(no name)");
  });

  it("is JSON for programs, and moves no cursor where a person reads it", async () => {
    const { io, written } = surroundings();
    const odd = { ...bulb, name: "La\u009b2Jmp\u202e" };
    await scan(1, true, io, async function* () {
      yield odd;
    });
    expect(written.out).not.toMatch(/[\u0080-\u009f\u202e]/);
    expect(JSON.parse(written.out)).toEqual(odd);
  });

  it("says so when nothing was heard", async () => {
    const { io, written } = surroundings();
    await scan(1, false, io, async function* () {});
    expect(written.err).toContain("Nothing was heard");
  });

  it("ends at once when it is told to", async () => {
    const { io } = surroundings();
    const listen = async function* (_what: object, _ports: object, signal: AbortSignal) {
      process.emit("SIGINT");
      signal.throwIfAborted();
      yield bulb;
    };
    expect(await scan(1, false, io, listen)).toBe(0);
  });

  it("says why where the board cannot listen", async () => {
    const { io } = surroundings();
    const listen = async function* (): AsyncGenerator<HeardDevice> {
      yield await Promise.reject(new Error("no radio"));
    };
    await expect(scan(1, false, io, listen)).rejects.toThrow("no radio");
  });

  it.each([
    [-50, "near"],
    [-70, "in reach"],
    [-95, "hardly"],
  ])("of %d dBm is %s", (rssi, words) => {
    expect(heardText({ ...bulb, rssi })).toContain(words);
  });

  it("tells a name that moves the cursor, breaks the line or turns it round as plain text, and no more than a line of it", () => {
    const name = `\u001b]52;c;cm0\u0007\nLa\u009bmp\u202e${"x".repeat(200)}`;
    const text = heardText({ ...bulb, name });
    expect(text.split("\n")).toHaveLength(3);
    expect(text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u202e]/u);
    expect(text).toMatch(/ La mp x+, near\n/);
    expect(text.split("\n")[0]?.length).toBeLessThan(100);
  });

  it("takes its time from the command line", async () => {
    await using stage = await openStage();
    for (const seconds of ["0", "301", "soon"])
      expect((await stage.run(["light", "scan", "--seconds", seconds])).code).toBe(64);
    const nowhere = { DBUS_SYSTEM_BUS_ADDRESS: "unix:path=/nowhere/bus" };
    const { code, err } = await stage.run(["light", "scan", "--seconds", "1"], { env: nowhere });
    expect([0, 1]).toContain(code);
    expect(err).toContain("Listening");
  });
});
