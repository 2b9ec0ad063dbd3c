import fc from "fast-check";
// Loaded here so that the display's lazy import of its encoder takes no time below.
import QRCode from "qrcode-terminal/vendor/QRCode/index.js";
import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { lettering } from "../../../src/hal/displays/font.ts";
import { openDisplay } from "../../../src/hal/displays/open.ts";
import { qrMatrix } from "../../../src/hal/displays/qr.ts";
import { repaint } from "../../../src/hal/displays/repaint.ts";
import { screenOf } from "../../../src/hal/displays/screen.ts";
import { openTerminal, type TerminalEnvironment } from "../../../src/hal/displays/terminal.ts";
import { clean, widthOf, wrap } from "../../../src/hal/displays/text.ts";
import { countdown, groupCode } from "../../../src/hal/displays/words.ts";
import type { View } from "../../../src/model.ts";
import type { Display } from "../../../src/ports.ts";
import { monoMs } from "../../../src/units.ts";
import { alive } from "../../soak/gauges.ts";
import { decodeQr, enlarge } from "./decode-qr.ts";
import { TerminalEmulator, withoutColours } from "./terminal-emulator.ts";

const uri = "https://login.salesforce.com/setup/connect";
const link = `${uri}?user_code=WDJBMJHT`;

const asking: View = {
  device: { id: "porch-1", name: "Porch light", serial: "1" },
  state: "waitingForApproval",
  headline: "Make this lamp yours",
  detail: "Scan the code with a phone, sign in, and allow this board.",
  code: {
    kind: "code",
    userCode: "WDJBMJHT",
    verificationUri: uri,
    verificationUriComplete: link,
    expiresAt: monoMs(600_000),
    signal: { colour: "orange", count: 3 },
  },
  owner: null,
  online: false,
  problem: null,
};
const byLink: View = {
  ...asking,
  detail: "Open the link in a browser, sign in, and allow this board.",
  code: {
    kind: "link",
    url: "https://login.salesforce.com/services/oauth2/authorize?response_type=code&state=x",
    start: "http://localhost:7878/",
    tunnel: "ssh -L 7878:localhost:7878 porch",
    expiresAt: monoMs(600_000),
  },
};
const online: View = {
  ...asking,
  state: "online",
  headline: "Ready",
  detail: null,
  code: null,
  owner: "Ada",
  online: true,
};
const pausing: View = {
  ...asking,
  state: "pausing",
  code: null,
  problem: {
    code: "ORG_UNREACHABLE",
    title: "The org cannot be reached",
    help: "Check the network cable.",
    retryAt: monoMs(12_000),
  },
};

interface Setting {
  readonly theme?: "dark" | "light";
  readonly columns?: number;
  readonly rows?: number;
  /** What it says its size is, where that is not the truth. */
  readonly says?: readonly [columns: number, rows: number];
  readonly isTTY?: boolean;
  readonly env?: TerminalEnvironment;
}

/** A terminal, a display on it, and a clock; afterwards nothing may be left of them. */
const onTerminal = async (
  { theme = "dark", columns = 80, rows = 24, says = [columns, rows], isTTY = true, env = {} }: Setting,
  work: (bench: {
    clock: VirtualClock;
    screen: TerminalEmulator;
    display: Display;
    resize: (columns: number, rows: number) => void;
  }) => Promise<void>,
): Promise<TerminalEmulator> => {
  using clock = new VirtualClock();
  const screen = new TerminalEmulator(theme, columns, rows);
  const listeners = new Set<() => void>();
  const out = {
    write: (text: string) => screen.write(isTTY ? text : text.replaceAll("\n", "\r\n")),
    columns: says[0],
    rows: says[1],
    isTTY,
    on: (_event: "resize", listener: () => void) => listeners.add(listener),
    off: (_event: "resize", listener: () => void) => listeners.delete(listener),
  };
  const display = openTerminal({ clock, out, env: { LANG: "en_GB.UTF-8", TERM: "xterm-256color", ...env } });
  const resize = (newColumns: number, newRows: number): void => {
    Object.assign(out, { columns: newColumns, rows: newRows });
    for (const listener of listeners) listener();
  };
  await work({ clock, screen, display, resize });
  await display[Symbol.asyncDispose]();
  expect(clock.waiting).toBe(0);
  expect(listeners.size).toBe(0);
  expect(screen.cursorHidden).toBe(false);
  return screen;
};

describe("a terminal", () => {
  test.each([
    ["80 x 24", { columns: 80, rows: 24 }, link],
    ["80 x 24, light", { theme: "light" as const }, link],
    ["200 x 60", { columns: 200, rows: 60 }, link],
    ["200 x 60, no colours for words", { columns: 200, rows: 60, env: { NO_COLOR: "1" } }, link],
    ["120 x 60, no Unicode", { columns: 120, rows: 60, env: { LANG: "C" } }, link],
    ["60 x 40", { columns: 60, rows: 40 }, link],
    ["40 x 40, only the short link", { columns: 40, rows: 40 }, uri],
    ["a serial console that says no size", { columns: 80, rows: 24, says: [0, 0] as const }, link],
    ["a vt220", { columns: 80, rows: 24, env: { TERM: "vt220" } }, link],
    ["Windows Terminal", { env: { TERM: "", LANG: "", WT_SESSION: "1" } }, link],
  ])("of %s shows a code that is read, the user code and the link", async (_name, setting, expected) => {
    await onTerminal(setting, async ({ clock, screen, display }) => {
      display.show(asking);
      await clock.settle();
      expect(decodeQr(enlarge(screen.picture, 4))).toBe(expected);
      expect(screen.text).toContain("WDJB MJHT");
      expect(screen.text.replaceAll(/\s/g, "")).toContain("salesforce.com");
      for (const word of ["blinks", "orange,", "3"]) expect(screen.text).toContain(word);
      expect(screen.text).toContain("Porch light");
    });
  });

  test.each([
    ["letters", { columns: 60, rows: 14 }, "█"],
    ["ASCII letters", { columns: 60, rows: 16, env: { LANG: "C" } }, "#####"],
    ["plain words", { columns: 30, rows: 10 }, "WDJB MJHT"],
    ["its last lines", { columns: 50, rows: 4 }, "valid for 10:00"],
  ])("without room for a code shows %s", async (_name, setting, expected) => {
    await onTerminal(setting, async ({ clock, screen, display }) => {
      display.show(asking);
      await clock.settle();
      expect(decodeQr(enlarge(screen.picture, 4))).toBeNull();
      expect(screen.text).toContain(expected);
    });
  });

  test("counts down in place: one small write a second, and nothing else changes", async () => {
    await onTerminal({}, async ({ clock, screen, display }) => {
      display.show(asking);
      await clock.settle();
      const before = screen.text;
      expect(before).toContain("valid for 10:00");
      const writes = screen.written.length;
      await clock.advance(61_500);
      expect(screen.text).toBe(before.replace("10:00", "8:59"));
      const more = screen.written.slice(writes);
      expect(more).toHaveLength(61);
      for (const text of more) expect(text.length).toBeLessThan(200);
      expect(decodeQr(enlarge(screen.picture, 4))).toBe(link);
      expect(screen.cursorHidden).toBe(true);
    });
  });

  test("stops counting at zero", async () => {
    await onTerminal({}, async ({ clock, screen, display }) => {
      display.show({ ...asking, code: asking.code && { ...asking.code, expiresAt: monoMs(2500) } });
      await clock.advance(60_000);
      expect(screen.text).toContain("valid for 0:00");
      expect(clock.waiting).toBe(0);
    });
  });

  test("shows what is wrong, what to do, and when it is tried again", async () => {
    await onTerminal({}, async ({ clock, screen, display }) => {
      display.show(pausing);
      await clock.advance(3000);
      for (const part of ["The org cannot be reached", "Check the network cable.", "trying again in 9 s"])
        expect(screen.text).toContain(part);
      expect(pausing.problem).not.toBeNull();
      display.show({ ...pausing, problem: pausing.problem && { ...pausing.problem, retryAt: null } });
      await clock.settle();
      expect(screen.text).toContain("press the button");
      expect(screen.text).not.toContain("trying again");
    });
  });

  test("takes a code away when it is used, and shows who the lamp belongs to", async () => {
    await onTerminal({}, async ({ clock, screen, display }) => {
      display.show(asking);
      await clock.settle();
      display.show({ ...online, headline: "Ada's lamp" });
      await clock.settle();
      expect(screen.text).not.toContain("WDJB");
      expect(screen.text).toContain("Ada's lamp");
      expect(screen.text).not.toContain("belongs to");
      expect(decodeQr(enlarge(screen.picture, 4))).toBeNull();
      display.show({ ...online, owner: null });
      await clock.settle();
      expect(screen.text).not.toContain("Ada");
      display.show({ ...online, online: false });
      await clock.settle();
      expect(screen.text).toContain("belongs to Ada");
      display.show(asking);
      await clock.settle();
      expect(decodeQr(enlarge(screen.picture, 4))).toBe(link);
    });
  });

  test("draws anew when its size changes", async () => {
    await onTerminal({ columns: 200, rows: 60 }, async ({ clock, screen, display, resize }) => {
      display.show(asking);
      await clock.settle();
      resize(80, 24);
      await clock.settle();
      expect(screen.row).toBeLessThan(24);
      expect(decodeQr(enlarge(screen.picture, 4))).toBe(link);
    });
  });

  test("never writes an escape code that came from outside", async () => {
    await onTerminal({}, async ({ clock, screen, display }) => {
      display.show({
        ...asking,
        headline: "\x1b]0;owned\x07\x1b[2J\x9b31m",
        owner: "\u202eadA\r\n",
        device: { ...asking.device, name: "a\nb" },
      });
      await clock.settle();
      for (const forbidden of ["\x1b]", "\x07", "\x9b", "\u202e", "\x1b[2J"])
        expect(screen.written.join("")).not.toContain(forbidden);
      expect(screen.text).toContain("a b");
    });
  });

  test("with NO_COLOR writes no colour but the code's black and white", async () => {
    await onTerminal({ env: { NO_COLOR: "1" } }, async ({ clock, screen, display }) => {
      display.show(online);
      await clock.settle();
      const all = screen.written.join("");
      expect(withoutColours(all)).toBe(all);
    });
  });

  test("that has gone away does not end the agent", async () => {
    using clock = new VirtualClock();
    let tries = 0;
    const out = {
      isTTY: true,
      write: (): boolean => {
        tries += 1;
        throw new Error("EPIPE");
      },
    };
    const display = openTerminal({ clock, out, env: { TERM: "xterm" } });
    display.show(asking);
    await clock.advance(5000);
    await display[Symbol.asyncDispose]();
    expect(tries).toBe(1);
  });

  test("that was never drawn on is left alone", async () => {
    const screen = await onTerminal({}, async () => undefined);
    expect(screen.written).toEqual([]);
  });
});

test("a terminal whose board nobody signs in keeps no code but the one it shows", async () => {
  await onTerminal({ columns: 200, rows: 60 }, async ({ clock, display }) => {
    for (let each = 0; each < 30; each += 1) {
      const code = { ...asking.code, verificationUriComplete: `${link}${each}` } as View["code"];
      display.show({ ...asking, code });
      await clock.settle();
    }
    expect(await alive(QRCode)).toBeLessThan(5);
  });
});

describe("output that is no terminal", () => {
  test.each([
    ["a pipe", { isTTY: false }],
    ["a dumb terminal", { env: { TERM: "dumb" } }],
    ["a terminal of no name", { env: { TERM: "" } }],
    ["a pipe without Unicode", { isTTY: false, env: { LC_ALL: "POSIX" } }],
  ])(
    "(%s) gets each new view once, with a code that is read, and no escape codes",
    async (_name, setting) => {
      await onTerminal({ ...setting, columns: 160, rows: 90 }, async ({ clock, screen, display }) => {
        display.show(asking);
        await clock.advance(30_000);
        display.show({ ...asking });
        await clock.advance(30_000);
        expect(screen.written).toHaveLength(1);
        expect(screen.written.join("")).not.toContain("\x1b");
        expect(screen.text).not.toContain("valid for");
        expect(decodeQr(enlarge(screen.picture, 3))).toBe(link);
        display.show(pausing);
        await clock.advance(30_000);
        expect(screen.written).toHaveLength(2);
        expect(screen.text).not.toContain("trying again");
      });
    },
  );
});

describe("opening a display", () => {
  const ports = { clock: new VirtualClock(), out: { write: () => true }, env: {}, failed: () => undefined };
  const never = new AbortController().signal;

  test.each(["terminal", "none", "file:display.png"])("%s opens and closes", async (spec) => {
    const display = await openDisplay(spec, ports, never);
    if (spec === "none") display.show(asking);
    await display[Symbol.asyncDispose]();
  });

  test.each(["", "tty", "file:", "file:x.gif", "terminal:"])("%j is refused", async (spec) => {
    await expect(openDisplay(spec, ports, never)).rejects.toMatchObject({ code: "SETTINGS_INVALID" });
  });

  test("is given up when it is aborted", async () => {
    const reason = new Error("stop");
    await expect(openDisplay("none", ports, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe("text on a display", () => {
  test.each([
    ["plain", "plain"],
    ["  a \t\r\n b  ", "a b"],
    ["\x1b[31mred\x1b[0m", "[31mred[0m"],
    ["a\u200b\u202eb\u0000", "ab"],
  ])("%j is cleaned to %j", (text, expected) => {
    expect(clean(text)).toBe(expected);
  });

  test.each([
    ["abc", 3],
    ["日本", 4],
    ["e\u0301", 1],
    ["🪔", 2],
    ["", 0],
  ])("%j takes %d columns", (text, columns) => {
    expect(widthOf(text)).toBe(columns);
  });

  test.each([
    ["a bb ccc", 4, ["a bb", "ccc"]],
    ["abcdefgh", 3, ["abc", "def", "gh"]],
    ["ab cdefgh", 4, ["ab", "cdef", "gh"]],
    ["日本語", 4, ["日本", "語"]],
    ["", 4, [""]],
  ] as const)("%j is broken at %d columns", (text, columns, lines) => {
    expect(wrap(text, columns)).toEqual(lines);
  });

  test("broken lines are never too wide and lose no letter", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme", maxLength: 80 }),
        fc.integer({ min: 2, max: 20 }),
        (raw, columns) => {
          const text = clean(raw);
          const lines = wrap(text, columns);
          for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
          expect(lines.join("").replaceAll(" ", "")).toBe(text.replaceAll(" ", ""));
        },
      ),
    );
  });

  test.each([
    ["WDJBMJHT", "WDJB MJHT"],
    ["ABC123", "ABC 123"],
    ["ABCDE1234", "ABC DE1 234"],
    ["ABCDEFG", "ABCD EFG"],
    ["WDJB-MJHT", "WDJB-MJHT"],
    ["1234", "1234"],
  ])("the user code %s is shown as %s", (code, grouped) => {
    expect(groupCode(code)).toBe(grouped);
  });

  test.each([
    [600_000, "10:00"],
    [59_001, "1:00"],
    [59_000, "0:59"],
    [1, "0:01"],
    [-5, "0:00"],
  ])("%d ms left is %s", (leftMs, text) => {
    expect(countdown(leftMs)).toBe(text);
  });

  test("every ASCII letter has a glyph of its own", () => {
    const printable = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index));
    const drawn = [...printable, "東"].map((letter) => {
      const { get } = lettering(letter);
      return Array.from({ length: 35 }, (_, at) => (get(at % 5, Math.floor(at / 5)) ? "#" : ".")).join("");
    });
    expect(new Set(drawn).size).toBe(96);
    expect(lettering("é").get(1, 2)).toBe(lettering("e").get(1, 2));
    expect([lettering("").columns, lettering("I").columns, lettering("II").columns]).toEqual([0, 5, 11]);
  });
});

describe("a screen", () => {
  test("is never wider or higher than the terminal, whatever the view and its size", async () => {
    const codes = [await qrMatrix(link), await qrMatrix(uri)].filter((code) => code !== null);
    const text = fc.string({ unit: "grapheme", maxLength: 120 });
    const view = fc.tuple(fc.constantFrom(asking, byLink, online, pausing), text, text, text, text).map(
      ([base, name, headline, detail, words]): View => ({
        ...base,
        device: { ...base.device, name },
        headline,
        detail,
        code:
          base.code?.kind === "code"
            ? { ...base.code, userCode: words.slice(0, 12), verificationUri: detail }
            : base.code,
        problem: base.problem && { ...base.problem, title: words, help: name },
      }),
    );
    const look = fc.record({
      columns: fc.integer({ min: 2, max: 200 }),
      rows: fc.integer({ min: 1, max: 70 }),
      unicode: fc.boolean(),
      colour: fc.boolean(),
      inks: fc.boolean(),
    });
    fc.assert(
      fc.property(view, look, (any, terminal) => {
        const lines = screenOf(any, monoMs(0), terminal, any.code === null ? [] : codes);
        expect(lines.length).toBeLessThanOrEqual(terminal.rows);
        for (const line of lines) expect(widthOf(withoutColours(line))).toBeLessThanOrEqual(terminal.columns);
      }),
      { numRuns: 300 },
    );
  });
});

describe("painting over", () => {
  test("from any lines to any others, in any order, shows the last ones", () => {
    const line = fc.constantFrom("", "a", "bb", "ccc", "dddd");
    const screens = fc.array(fc.array(line, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(screens, (all) => {
        const terminal = new TerminalEmulator("dark", 10, 7);
        let old: readonly string[] = [];
        for (const lines of all) {
          terminal.write(repaint(old, lines));
          expect(terminal.text).toBe(lines.join("\n").trimEnd());
          expect([terminal.row, terminal.column]).toEqual([lines.length, 0]);
          expect(repaint(lines, lines)).toBe("");
          old = lines;
        }
      }),
    );
  });
});
