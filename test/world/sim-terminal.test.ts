// The terminal of `npm start`, with a person at the keyboard, in virtual time.

import { afterEach, describe, expect, it } from "vitest";
import { createPlayer, type Player } from "../../src/cli/sim-keys.ts";
import { openScreen, type Screen } from "../../src/cli/sim-screen.ts";
import { entryOf } from "../../src/errors.ts";
import { connectPacket, rawClient } from "../unit/sim-broker/raw-client.ts";
import { openStage, type Stage } from "./stage.ts";

let stage: Stage;
let screen: Screen | undefined;
let player: Player | undefined;
afterEach(async () => {
  player?.close();
  screen?.close();
  await stage[Symbol.asyncDispose]();
});

// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's own
const ansi = /\x1b\[[?\d;]*[A-Za-z]/g;

/** A terminal of a size, or one that does not tell its size, and the lines of its newest picture. */
const terminalOf = (columns?: number, rows?: number) => {
  const listeners = new Set<() => void>();
  let written = "";
  return {
    out: {
      isTTY: true,
      ...(columns === undefined ? {} : { columns }),
      ...(rows === undefined ? {} : { rows }),
      write: (text: string) => {
        written = text.startsWith("\x1b[H") ? text : written;
        return true;
      },
      on: (_event: "resize", listener: () => void) => listeners.add(listener),
      off: (_event: "resize", listener: () => void) => listeners.delete(listener),
    },
    lines: () => written.replace(ansi, "").split("\r\n"),
    coloured: () => written.includes("\x1b[38;5;") || written.includes("\x1b[38;2;"),
    resize: () => {
      for (const listener of listeners) listener();
    },
  };
};

const sit = (
  terminal: ReturnType<typeof terminalOf>,
  env: Record<string, string>,
  url: string | null = null,
) => {
  screen = openScreen(stage.world, url, terminal.out, env);
  player = createPlayer(stage.world, (text) => screen?.note(text));
};

/** Presses a key and gives the world time to show what comes of it. */
const press = async (key: string, ms = 3_000): Promise<void> => {
  player?.press(key);
  await stage.clock.advance(ms);
};

const utf8 = { LANG: "C.UTF-8", TERM: "xterm-256color" };

describe("the terminal of the simulator", () => {
  it.each([
    [130, 60, true, utf8],
    [130, 60, true, { ...utf8, COLORTERM: "truecolor" }],
    [80, 24, true, utf8],
    [80, 24, true, { LC_ALL: "C", TERM: "ansi" }],
    [40, 10, false, { LC_CTYPE: "C.UTF-8", TERM: "dumb" }],
    [10, 4, false, {}],
    [undefined, undefined, false, { ...utf8, NO_COLOR: "1" }],
  ])(
    "of %s columns and %s rows holds every picture, from the code to the lamp",
    async (columns, rows, coloured, env) => {
      stage = await openStage();
      const terminal = terminalOf(columns, rows);
      const fits = (): void => {
        const lines = terminal.lines();
        expect(lines.length).toBeLessThanOrEqual(Math.max(8, rows ?? 24));
        for (const line of lines) expect([...line].length).toBeLessThan(Math.max(21, columns ?? 80));
      };
      sit(terminal, env, rows === 60 ? "http://127.0.0.1:1/" : null);
      await stage.clock.advance(100);
      fits();
      stage.start();
      await stage.untilEvent("code");
      await stage.clock.advance(2_000);
      fits();
      await press("p", 60_000);
      expect(stage.state()).toBe("online");
      fits();
      if (columns !== undefined && columns >= 80) expect(terminal.lines().at(-1)).toMatch(/q quit$/);
      screen?.turn();
      terminal.resize();
      await stage.clock.advance(1_000);
      fits();
      expect(terminal.coloured()).toBe(coloured);
    },
  );

  it("speaks of a link where the board waits with one", async () => {
    const settings: Record<string, unknown> = {};
    stage = await openStage({ settings });
    settings.org = { ...(stage.world.settingsFor("state").org as object), signIn: "web" };
    const terminal = terminalOf(120, 50);
    sit(terminal, utf8);
    stage.start();
    await stage.untilEvent("link");
    await stage.clock.advance(1_000);
    expect(terminal.lines().join("\n")).toContain("The link waits for somebody to allow this board.");
  });

  it("tells who owns the lamp, what it does, and what the keys did", async () => {
    stage = await openStage({
      settings: {
        lights: [
          { id: "porch", name: "Porch", driver: "sim:" },
          { id: "hall", name: "Hall", driver: "memory:switch" },
        ],
      },
    });
    const terminal = terminalOf(120, 50);
    const says = (text: string): void => expect(terminal.lines().join("\n")).toContain(text);
    sit(terminal, utf8);
    stage.start();
    await stage.untilEvent("code");
    await press("x");
    await press("o");
    says("The lamp is not online yet.");
    await press("p", 60_000);
    says("Ada Okafor");
    await press("p");
    says("There is no code to approve now.");
    await press("l");
    says("The phone knows no lamps yet");
    await press("o");
    says("The lamp: ");
    expect((await stage.status()).lights[0]?.target.on).toBe(true);
    for (const key of ["c", "+", "=", "-", "-", "b", "b"]) await press(key);
    expect((await stage.status()).lights[0]?.target.colour.mode).toBe("temperature");
    await press("l");
    says("The keys move the lamp Hall now.");
    await press("o");
    expect((await stage.status()).lights.map(({ target }) => target.on)).toEqual([true, true]);
    await press("c");
    says(entryOf("LIGHT_CANNOT").title);
    await press("n");
    says("The board's network is cut. n mends it.");
    await press("n", 120_000);
    expect(stage.state()).toBe("online");
    await press("B", 10_000);
    expect(stage.state()).toBe("waitingForApproval");
    says("The code waits for somebody to allow this board.");
    await press("b", 60_000);
    await press("r", 60_000);
  });

  it("signs the phone in once, however fast the first keys come", async () => {
    stage = await openStage();
    const notes: string[] = [];
    player = createPlayer(stage.world, (text) => notes.push(text));
    stage.start();
    await stage.untilEvent("code");
    await press("p", 60_000);
    notes.length = 0;
    for (const key of ["o", "+", "+"]) player.press(key);
    await stage.clock.advance(3_000);
    expect(notes).toEqual(["", "", ""]);
    expect((await stage.status()).lights[0]?.target.on).toBe(true);
  });

  it("is moved by nothing that somebody puts into a client id or an answer", async () => {
    stage = await openStage();
    const terminal = terminalOf(120, 50);
    sit(terminal, utf8);
    const raw = rawClient(stage.world.broker, stage.clock);
    await raw.send(connectPacket("\u001b]0;mine\u0007\u009b9Athief"));
    screen?.note("\u001b]0;mine\u0007It was refused.");
    await stage.clock.advance(1_000);
    const shown = terminal.lines().join("\n");
    expect(shown).toContain("CONNECT  ]0;mine 9Athief");
    expect(shown).toContain("]0;mine It was refused.");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are looked for
    expect(shown).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });
});
