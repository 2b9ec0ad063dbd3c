import { inWords } from "../../firmware-sim/board-light.ts";
import { hardwareOf } from "../../firmware-sim/page-server-world.ts";
import { hardwareLines, panelLines } from "../../firmware-sim/terminal/hardware-lines.ts";
import { LAMP_COLUMNS, lampArt, type TerminalColours } from "../../firmware-sim/terminal/lamp-art.ts";
import { createLog, logText } from "../../firmware-sim/terminal/log.ts";
import type { World } from "../../firmware-sim/world.ts";
import { plainLine } from "../adapters/redact.ts";
import { type QrMatrix, qrMatrix } from "../hal/displays/qr.ts";
import { screenOf } from "../hal/displays/screen.ts";
import type { TerminalStream } from "../hal/displays/terminal.ts";

/** A picture of the world in a terminal, redrawn when something changes. */
export interface Screen {
  /** A word to the player; "" takes it away. */
  note(text: string): void;
  /** Shows what hangs on the board in place of the lamp and the messages, or those again. */
  turn(): void;
  /** Gives the terminal back as it was. */
  close(): void;
}

const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const CLEAR_REST = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";
const FRAME_MS = 50;
const SECOND_MS = 1000;
const LOG_KEPT = 60;
/** Room for the board's lines when its panel is beside them. */
const BENCH_COLUMNS = 48;
/** With fewer rows everything moves together, so that a code still fits into 24. */
const ROOMY_ROWS = 32;

// Parameters of SGR (ECMA-48 section 8.3.117), from the 256 colours where a theme's own would not do.
const DIM = "2";
const STRONG = "1";
const BAD = "31";
const AMBER = "1;38;5;215";
const kindInks = { http: "38;5;111", mqtt: "38;5;79", light: "38;5;221", person: "38;5;176" } as const;

type Environment = Readonly<Record<string, string | undefined>>;

export const openScreen = (
  world: World,
  pageUrl: string | null,
  out: TerminalStream,
  env: Environment,
): Screen => {
  const unicode = /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || "");
  const colours = coloursOf(env);
  const log = createLog(LOG_KEPT, plainLine);
  const closing = new AbortController();
  let codes: readonly QrMatrix[] = [];
  let codesFor = "";
  let noted = "";
  let turned = false;
  let dirty = true;
  let shown = "";

  const draw = (): void => {
    const { view, light } = world.board;
    const columns = Math.max(20, (out.columns ?? 80) - 1);
    const rows = Math.max(8, out.rows ?? 24);
    const tight = rows < ROOMY_ROWS;
    void loadCodes(view?.code?.kind === "code" ? view.code : null);
    const foot = footOf(columns, tight);
    // While a code is on the display it gets the room; afterwards the lamp does.
    const stageRows =
      view?.code != null ? rows - foot.length - (tight ? 1 : 2) : Math.min(9, rows - foot.length - 4);
    const gap = tight ? [] : [""];
    const stage =
      view === null
        ? ["Starting…"]
        : screenOf(
            view,
            world.clock.mono(),
            { unicode, colour: colours !== "none", inks: colours !== "none", columns, rows: stageRows },
            codes,
          );
    const room = rows - stage.length - foot.length - 1;
    const picture =
      room >= 10 && columns >= LAMP_COLUMNS + 30 ? [...lampArt(light, colours, unicode), ""] : [];
    const caption = turned ? "On the board (h goes back)" : `The lamp: ${inWords(light)}`;
    const logRows = Math.max(1, room - 1);
    const logColumns = columns - (picture.length > 0 ? LAMP_COLUMNS + 3 : 0);
    const lines = log
      .lines()
      .slice(-logRows)
      .map((line) => {
        const { text, aside } = logText(line, logColumns, unicode);
        return `${paint(line.ok ? kindInks[line.kind] : BAD, text)}${paint(DIM, aside)}`;
      });
    const below = turned
      ? bench(columns, room)
      : picture.length > 0
        ? Array.from(
            { length: Math.max(picture.length, lines.length) },
            (_, row) => `${picture[row] || " ".repeat(LAMP_COLUMNS)}   ${lines[row] ?? ""}`,
          )
        : lines;
    const all = [...stage, ...gap, caption.slice(0, columns), ...below].slice(0, rows - foot.length);
    while (all.length < rows - foot.length) all.push("");
    const frame = [...all, ...foot].map((line) => `${line}${CLEAR_REST}`).join("\r\n");
    if (frame === shown) return;
    shown = frame;
    out.write(`${HOME}${frame}${CLEAR_BELOW}`);
  };

  /** The board's lines, and its panel beside or below them where there is room. */
  const bench = (columns: number, room: number): string[] => {
    const lines = hardwareLines(hardwareOf(world), columns, unicode);
    const panel = world.hardware?.panel ?? null;
    if (panel === null || !unicode) return lines;
    const beside = panelLines(panel, columns - BENCH_COLUMNS, room - 1);
    if (beside.length === 0) return [...lines, ...panelLines(panel, columns, room - lines.length - 1)];
    return Array.from({ length: Math.max(lines.length, beside.length) }, (_, row) =>
      `${(lines[row] ?? "").slice(0, BENCH_COLUMNS - 2).padEnd(BENCH_COLUMNS)}${beside[row] ?? ""}`.slice(
        0,
        columns,
      ),
    );
  };

  const paint = (ink: string, text: string): string =>
    colours === "none" || text === "" ? text : `\x1b[${ink}m${text}\x1b[0m`;

  const footOf = (columns: number, tight: boolean): string[] => {
    const { board, network } = world;
    const approving = board.view?.code != null;
    const cut = network.cut ? "mend" : "cut";
    const all = `o on/off  + - dim  c colour  l next lamp  b button  h the board  n ${cut} network  r revoke  q quit`;
    const keys = approving
      ? "p approve as the person   b button   h the board   n cut the network   q quit"
      : all.length <= columns
        ? all
        : "o on/off  +- dim  c colour  l lamp  b button  h board  n net  r revoke  q quit";
    const hint = approving
      ? `The ${board.view?.code?.kind === "link" ? "link" : "code"} waits for somebody to allow this board. ${pageUrl === null ? "" : "Play the person on the page, or "}press p to approve.`
      : "";
    const said = noted === "" ? paint(STRONG, hint.slice(0, columns)) : paint(BAD, noted.slice(0, columns));
    return [
      ...(said === "" || (tight && noted === "") ? [] : [said]),
      ...(pageUrl === null ? [] : [paint(AMBER, `Open the page in a browser: ${pageUrl}`.slice(0, columns))]),
      paint(DIM, keys.slice(0, columns)),
    ];
  };

  const loadCodes = async (
    code: { readonly verificationUriComplete: string; readonly verificationUri: string } | null,
  ): Promise<void> => {
    const wanted = code?.verificationUriComplete ?? "";
    if (wanted === codesFor) return;
    codesFor = wanted;
    codes = [];
    if (code === null) return;
    const drawn = await Promise.all([code.verificationUriComplete, code.verificationUri].map(qrMatrix));
    if (codesFor !== wanted) return;
    codes = drawn.filter((matrix) => matrix !== null);
    dirty = true;
  };

  const poke = (): void => {
    dirty = true;
  };
  const onResize = (): void => {
    shown = "";
    dirty = true;
  };
  const run = async (): Promise<void> => {
    let secondAt = 0;
    while (!closing.signal.aborted) {
      const now = world.clock.mono();
      if (dirty || now - secondAt >= SECOND_MS) {
        dirty = false;
        secondAt = now;
        draw();
      }
      await world.clock.sleep(FRAME_MS, closing.signal);
    }
  };

  const stops = [world.subscribe(poke), world.wire.subscribe((message) => log.add(message))];
  for (const message of world.wire.messages) log.add(message);
  out.on?.("resize", onResize);
  out.write(ENTER);
  run().catch(() => undefined);

  return {
    note(text) {
      noted = plainLine(text);
      dirty = true;
    },
    turn() {
      turned = !turned;
      dirty = true;
    },
    close() {
      closing.abort();
      for (const stop of stops) stop();
      out.off?.("resize", onResize);
      out.write(LEAVE);
    },
  };
};

/** What the environment says about colours (no-color.org, COLORTERM as terminals set it). */
const coloursOf = (env: Environment): TerminalColours => {
  if (env.NO_COLOR || env.TERM === "dumb" || !env.TERM) return "none";
  return /truecolor|24bit/i.test(env.COLORTERM ?? "") ? "true" : "256";
};
