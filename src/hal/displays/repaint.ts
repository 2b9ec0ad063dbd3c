const up = (rows: number): string => (rows > 0 ? `\x1b[${rows}A` : "");
const down = (rows: number): string => (rows > 0 ? `\x1b[${rows}B` : "");
const CLEAR_LINE_REST = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";

/**
 * What to write to turn `old` lines into `lines` in place, with the cursor at the start of the line below the old ones,
 * and then below the new ones (ECMA-48 CUU, CUD, EL, ED). Only lines that differ are written; nothing when none does.
 */
export const repaint = (old: readonly string[], lines: readonly string[]): string => {
  const common = Math.min(old.length, lines.length);
  let text = "";
  let row = old.length;
  const goTo = (wanted: number): void => {
    text += wanted < row ? up(row - wanted) : down(wanted - row);
    row = wanted;
  };
  for (let index = 0; index < common; index++)
    if (lines[index] !== old[index]) {
      goTo(index);
      text += `\r${lines[index]}${CLEAR_LINE_REST}`;
    }
  if (lines.length < old.length) {
    goTo(common);
    text += `\r${CLEAR_BELOW}`;
  }
  if (text !== "" && lines.length === old.length) {
    goTo(common);
    text += "\r";
  }
  if (lines.length > old.length) {
    goTo(common);
    text += `\r${lines.slice(common).join("\r\n")}\r\n`;
  }
  return text;
};
