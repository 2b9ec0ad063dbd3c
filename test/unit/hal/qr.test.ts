import { lstat, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AgentError } from "../../../src/errors.ts";
import { bitmapOf } from "../../../src/hal/displays/bitmap.ts";
import { QUIET_ZONE, withQuietZone } from "../../../src/hal/displays/layout.ts";
import { pictureOf } from "../../../src/hal/displays/picture.ts";
import { pngOf } from "../../../src/hal/displays/png.ts";
import { type QrMatrix, qrMatrix } from "../../../src/hal/displays/qr.ts";
import { svgOf } from "../../../src/hal/displays/svg.ts";
import { choose, codeRoom, drawCode } from "../../../src/hal/displays/terminal-art.ts";
import { decodeQr, enlarge, type Grey, readPng, readSvg } from "./decode-qr.ts";
import { TerminalEmulator, withoutColours } from "./terminal-emulator.ts";

const link = "https://login.salesforce.com/setup/connect?user_code=WDJBMJHT";

const codeOf = async (text: string): Promise<QrMatrix> => {
  const code = await qrMatrix(text);
  if (code === null) throw new Error("too long");
  return code;
};

const rasterOf = (code: QrMatrix): Grey => ({
  width: code.size,
  height: code.size,
  at: (x, y) => (code.get(x, y) ? 0 : 255),
});

const urlCharacter = fc.constantFrom(
  ..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?#[]@!$&'()*+,;=%",
);
const anyUrl = fc
  .string({ unit: urlCharacter, minLength: 1, maxLength: 192 })
  .map((rest) => `https://${rest}`);

describe("a QR code", () => {
  test("of any URL up to 200 characters decodes back to it, in every form", async () => {
    const drawings: ((code: QrMatrix) => Grey)[] = [
      (code) => enlarge(rasterOf(withQuietZone(code)), 3),
      (code) => readPng(pngOf(bitmapOf({ above: [], code, below: [] }, 480))),
      (code) => readSvg(svgOf(code)),
      ...(["large", "small", "blocks", "ascii"] as const).map((form) => (code: QrMatrix) => {
        const framed = withQuietZone(code);
        const { columns, rows } = codeRoom(framed.size, form);
        const terminal = new TerminalEmulator("dark", columns + 2, rows + 1);
        terminal.write(drawCode(framed, form).join("\r\n"));
        return enlarge(terminal.picture, form === "large" || form === "ascii" ? 2 : 3);
      }),
    ];
    await fc.assert(
      fc.asyncProperty(anyUrl, fc.constantFrom(...drawings), async (url, draw) => {
        expect(decodeQr(draw(await codeOf(url)))).toBe(url);
      }),
      { numRuns: 150 },
    );
  });

  test("carries letters of any language as UTF-8", async () => {
    const text = "https://example.org/?name=Grüße an 東京 🪔";
    expect(decodeQr(enlarge(rasterOf(withQuietZone(await codeOf(text))), 4))).toBe(text);
  });

  test.each([
    [62, 33],
    [2331, 177],
    [2332, 161],
    [2953, 177],
  ])("of %d bytes has %d modules a side: M while it fits, then L", async (length, size) => {
    const text = "x".repeat(length);
    const code = await codeOf(text);
    expect(code.size).toBe(size);
    expect(decodeQr(enlarge(rasterOf(withQuietZone(code)), 3))).toBe(text);
  });

  test("of more than any code holds does not exist", async () => {
    expect(await qrMatrix("x".repeat(2954))).toBeNull();
    expect(await qrMatrix("ü".repeat(1500))).toBeNull();
  });

  test("is light everywhere outside, and gets a quiet zone of four modules", async () => {
    const code = await codeOf(link);
    expect([code.get(-1, 0), code.get(0, -1), code.get(code.size, 0), code.get(0, 999)]).toEqual(
      Array(4).fill(false),
    );
    expect(code.get(0, 0)).toBe(true);
    const framed = withQuietZone(code);
    expect(framed.size).toBe(code.size + 8);
    expect(framed.get(QUIET_ZONE, QUIET_ZONE)).toBe(true);
    for (let at = 0; at < framed.size; at++)
      for (let edge = 0; edge < QUIET_ZONE; edge++)
        expect([
          framed.get(at, edge),
          framed.get(edge, at),
          framed.get(at, framed.size - 1 - edge),
          framed.get(framed.size - 1 - edge, at),
        ]).toEqual([false, false, false, false]);
  });
});

describe("a code in a terminal", () => {
  test.each([
    ["large", "dark", "dontInvert"],
    ["large", "light", "dontInvert"],
    ["small", "dark", "dontInvert"],
    ["small", "light", "dontInvert"],
    ["blocks", "dark", "dontInvert"],
    ["blocks", "light", "attemptBoth"],
    ["ascii", "dark", "dontInvert"],
    ["ascii", "light", "attemptBoth"],
  ] as const)("drawn %s on a %s background is read (%s)", async (form, theme, inversion) => {
    const framed = withQuietZone(await codeOf(link));
    const lines = drawCode(framed, form);
    const room = codeRoom(framed.size, form);
    expect(lines).toHaveLength(room.rows);
    const terminal = new TerminalEmulator(theme, room.columns + 10, room.rows + 3);
    terminal.write(lines.join("\r\n"));
    expect(decodeQr(enlarge(terminal.picture, 3), inversion)).toBe(link);
    const readByAll = decodeQr(enlarge(terminal.picture, 3)) === link;
    expect(readByAll).toBe(inversion === "dontInvert");
    for (const line of lines) expect(withoutColours(line).length).toBe(room.columns);
  });

  test.each(["blocks", "ascii"] as const)("drawn %s has no escape codes", async (form) => {
    expect(drawCode(await codeOf(link), form).join("\n")).not.toContain("\x1b");
  });

  test("drawn ascii is ASCII", async () => {
    expect(drawCode(await codeOf(link), "ascii").join("\n")).toMatch(/^[ #\n]+$/);
  });

  const words = (columns: number, tight: boolean): number => (tight ? 4 : columns >= 60 ? 8 : 10);
  const all = { unicode: true, colour: true };
  test.each([
    ["a large screen", 200, 60, all, { code: 0, form: "large", place: "beside", tight: false }],
    ["a tall screen", 83, 60, all, { code: 0, form: "large", place: "below", tight: false }],
    ["80 x 24", 79, 23, all, { code: 0, form: "small", place: "beside", tight: false }],
    ["a narrow screen", 50, 40, all, { code: 0, form: "small", place: "below", tight: false }],
    ["just enough rows", 50, 25, all, { code: 0, form: "small", place: "below", tight: true }],
    ["only the short link", 40, 30, all, { code: 1, form: "small", place: "below", tight: false }],
    ["no colours", 79, 23, { unicode: true, colour: false }, { code: 0, form: "blocks", place: "beside" }],
    ["no Unicode", 120, 60, { unicode: false, colour: true }, { code: 0, form: "large" }],
    ["neither", 120, 60, { unicode: false, colour: false }, { code: 0, form: "ascii", place: "beside" }],
  ] as const)("for %s takes what fits best", (_name, columns, rows, abilities, expected) => {
    expect(choose(columns, rows, abilities, [41, 37], words)).toMatchObject(expected);
  });

  test.each([
    ["too narrow", 30, 60],
    ["too low", 200, 12],
    ["no room for words", 41, 22],
  ])("is left out where it does not fit: %s", (_name, columns, rows) => {
    expect(choose(columns, rows, all, [41, 37], words)).toBeNull();
  });
});

describe("a code in a picture", () => {
  test("PNG: is read from the file, with words around it", async () => {
    const code = await codeOf(link);
    const words = { text: 'Porch & "light" <böse> 東', scale: 2 };
    const picture = readPng(pngOf(bitmapOf({ above: [words], code, below: [words, words] }, 480)));
    expect(picture.width).toBe(480);
    expect(decodeQr(picture)).toBe(link);
  });

  test("PNG: words are inked, and nothing touches the edge", () => {
    const picture = readPng(pngOf(bitmapOf({ above: [{ text: "I", scale: 1 }], code: null, below: [] }, 21)));
    const rows = Array.from({ length: picture.height }, (_, y) =>
      Array.from({ length: picture.width }, (_, x) => (picture.at(x, y) === 0 ? "#" : ".")).join(""),
    );
    expect(rows.filter((row) => row.includes("#"))).toEqual([
      "........" + ".###." + "........",
      ...Array(5).fill("........" + "..#.." + "........"),
      "........" + ".###." + "........",
    ]);
    expect(rows[0]).not.toContain("#");
    expect(rows.at(-1)).not.toContain("#");
  });

  test("PNG: a picture too small for the code is drawn without it", async () => {
    const code = await codeOf(link);
    expect(bitmapOf({ above: [], code, below: [] }, code.size).height).toBeLessThan(code.size);
  });

  test("SVG: is read from its rectangles, and words are escaped", async () => {
    const words = [{ text: `<script>alert("&")</script>`, scale: 3 }];
    const svg = svgOf(await codeOf(link), { above: words, below: words, width: 500 });
    expect(decodeQr(readSvg(svg))).toBe(link);
    expect(svg).not.toContain("<script");
    expect(svg.match(/<text /g)).toHaveLength(2);
  });

  test("SVG: quiet zone and scale can be chosen", async () => {
    const code = await codeOf(link);
    expect(readSvg(svgOf(code, { scale: 2 })).width).toBe((code.size + 8) * 2);
    expect(readSvg(svgOf(code, { scale: 1, quietZone: 0 })).width).toBe(code.size);
    expect(readSvg(svgOf(null, { width: 300 })).height).toBe(0);
  });
});

describe("a picture of a view", () => {
  const view = {
    device: { id: "porch-1", name: "Porch light", serial: "1" },
    state: "online",
    headline: "Ada's lamp",
    detail: null,
    code: null,
    owner: "Ada",
    online: true,
    problem: null,
  } as const;

  test("without a code names device, headline and owner", () => {
    expect(pictureOf(view, null)).toMatchObject({
      above: [{ text: "Porch light" }, { text: "Ada's lamp" }],
      below: [{ text: "belongs to Ada" }],
    });
    expect(pictureOf({ ...view, owner: null, detail: "All is well." }, null).below).toMatchObject([
      { text: "All is well." },
    ]);
  });
});

describe("a display that is a file", async () => {
  const { openFile } = await import("../../../src/hal/displays/file.ts");
  const view = {
    device: { id: "porch-1", name: "Porch light", serial: "1" },
    state: "waitingForApproval",
    headline: "Make this lamp yours",
    detail: null,
    code: {
      kind: "code",
      userCode: "WDJBMJHT",
      verificationUri: "https://login.salesforce.com/setup/connect",
      verificationUriComplete: link,
      expiresAt: 0 as never,
      signal: { colour: "orange", count: 3 },
    },
    owner: null,
    online: false,
    problem: null,
  } as const;

  const well = { failed: (fault: Error) => expect.fail(fault.message) };

  const inFolder = async (work: (folder: string) => Promise<void>): Promise<void> => {
    const folder = await mkdtemp(join(tmpdir(), "porchlight-display-"));
    try {
      await work(folder);
    } finally {
      await rm(folder, { recursive: true });
    }
  };

  test.each([
    ["png", (bytes: Buffer) => readPng(bytes)],
    ["SVG", (bytes: Buffer) => readSvg(bytes.toString("utf8"))],
  ] as const)("(%s) holds the newest view, and no draft is left", (ending, read) =>
    inFolder(async (folder) => {
      const path = join(folder, `display.${ending}`);
      const display = await openFile(path, well);
      display.show({ ...view, code: null });
      display.show({ ...view, code: null, headline: "Wait" });
      display.show(view);
      await display[Symbol.asyncDispose]();
      display.show({ ...view, code: null });
      expect(decodeQr(read(await readFile(path)))).toBe(link);
      await expect(readFile(`${path}.part`)).rejects.toMatchObject({ code: "ENOENT" });
    }),
  );

  test("shows a link in words", () =>
    inFolder(async (folder) => {
      const path = join(folder, "display.svg");
      const display = await openFile(path, well);
      const code = {
        kind: "link",
        url: "https://login.salesforce.com/services/oauth2/authorize",
        start: "http://localhost:7878/",
        tunnel: "ssh -L 7878:localhost:7878 porch",
        expiresAt: 0 as never,
      } as const;
      display.show({ ...view, detail: "Open the link in a browser.", code });
      await display[Symbol.asyncDispose]();
      const svg = await readFile(path, "utf8");
      expect(svg).not.toContain("crispEdges");
      for (const words of ["Open the link in a browser.", code.start, code.tunnel, "porchlight sign-in"])
        expect(svg).toContain(words);
    }));

  test("is not written again for the same picture", () =>
    inFolder(async (folder) => {
      const path = join(folder, "display.svg");
      const display = await openFile(path, well);
      display.show(view);
      await expect.poll(() => readFile(path).catch(() => null)).not.toBeNull();
      await rm(path);
      display.show({ ...view });
      await display[Symbol.asyncDispose]();
      await expect(readFile(path)).rejects.toMatchObject({ code: "ENOENT" });
    }));

  test("is for every account of the board to see, however little the agent's other files are", () =>
    inFolder(async (folder) => {
      const path = join(folder, "display.png");
      const umask = process.umask(0o077);
      try {
        const display = await openFile(path, well);
        display.show(view);
        await display[Symbol.asyncDispose]();
      } finally {
        process.umask(umask);
      }
      expect((await stat(path)).mode & 0o777).toBe(0o644);
    }));

  test("writes through no link that lies where its draft goes, and puts its picture all the same", () =>
    inFolder(async (folder) => {
      const [path, other] = [join(folder, "display.svg"), join(folder, "other")];
      await writeFile(other, "dear");
      await symlink(other, `${path}.part`);
      const display = await openFile(path, well);
      display.show(view);
      await display[Symbol.asyncDispose]();
      expect(await readFile(other, "utf8")).toBe("dear");
      expect((await lstat(path)).isFile()).toBe(true);
    }));

  test("that cannot be written says so once, and again only when it could be meanwhile", () =>
    inFolder(async (folder) => {
      const path = join(folder, "later", "display.svg");
      const faults: AgentError[] = [];
      const ports = { failed: (fault: AgentError) => void faults.push(fault) };
      const first = await openFile(path, ports);
      first.show({ ...view, code: null, headline: "one" });
      await expect.poll(() => faults.length).toBe(1);
      first.show({ ...view, code: null, headline: "two" });
      await first[Symbol.asyncDispose]();
      expect(faults).toMatchObject([
        { code: "DISPLAY_FAULT", detail: expect.stringMatching(/display\.svg cannot be written \(ENOENT\)/) },
      ]);

      const second = await openFile(path, ports);
      second.show({ ...view, code: null, headline: "one" });
      await expect.poll(() => faults.length).toBe(2);
      await mkdir(join(folder, "later"));
      second.show({ ...view, code: null, headline: "two" });
      await expect.poll(() => readFile(path, "utf8").catch(() => "")).toContain("two");
      await rm(join(folder, "later"), { recursive: true });
      second.show({ ...view, code: null, headline: "three" });
      await second[Symbol.asyncDispose]();
      expect(faults.length).toBe(3);
    }));

  test.each(["display.gif", "display", "constructor.toString"])(
    "of another kind (%s) is refused",
    async (path) => {
      await expect(openFile(path, well)).rejects.toMatchObject({ code: "SETTINGS_INVALID" });
    },
  );
});
