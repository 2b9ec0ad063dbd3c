// What of the journal goes out. The display `terminal` of a service is the journal: every picture is in there, with the
// code in words and squares, and with the names of whoever the board belonged to. Broken into lines, no name can be told.

/** Lines that are looked through: a picture takes forty and more of them. */
const READ = 1000;
/** Lines that go out. */
export const LINES = 300;

/** The journal of the service and of its updates. */
export const journalctl: readonly string[] = [
  "journalctl",
  "-u",
  "porchlight",
  "-u",
  "porchlight-update",
  "-n",
  String(READ),
  "--no-pager",
  "-o",
  "short-iso",
];

/** How lines of a picture begin (src/hal/displays/screen.ts), with Unicode and without. */
const shapes: readonly string[] = [
  // A code in squares, whose quiet zone comes first, and words beside it.
  "#{8}",
  "[█▀▄]{4}",
  // A code in large letters.
  "[#█▀▄ ]+$",
  // The small bulb, and words beside and below it.
  "\\.---\\.(?: |$)",
  "'\\|_\\|'(?: |$)",
  " `-'(?: |$)",
  "╭───╮(?: |$)",
  "╰┬─┬╯(?: |$)",
  " ╰─╯(?: |$)",
  " {7}",
];

/** Behind time, host and program. */
const PICTURE = new RegExp(`^\\S+ \\S+ [^:]*: (?:${shapes.join("|")})`);

/** The last lines of a journal (`short-iso`) that are in no picture of a display. */
export const withoutPictures = (journal: string): string =>
  journal
    .trimEnd()
    .split("\n")
    .filter((line) => !PICTURE.test(line))
    .slice(-LINES)
    .join("\n");
