/** Longest text of one item on a display, in characters. */
const LONGEST = 1000;

/**
 * A text from outside, safe to print: without control characters (an org's text must not move the cursor) and without
 * invisible and direction-changing ones; line ends become spaces.
 */
export const clean = (text: string): string =>
  text
    .slice(0, LONGEST)
    .replace(/[\s\u2028\u2029]+/gu, " ")
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}]/gu, "")
    .trim();

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

const characterWidth = (character: string): number =>
  /\p{M}/u.test(character) ? 0 : WIDE.test(character) ? 2 : 1;

/** Columns a text takes in a terminal: two for East Asian wide characters and emoji, none for combining marks. */
export const widthOf = (text: string): number =>
  [...text].reduce((sum, character) => sum + characterWidth(character), 0);

/** Cuts a word into pieces of at most `width` columns. */
const pieces = (word: string, width: number): string[] => {
  const cut: string[] = [];
  let piece = "";
  for (const character of word) {
    if (piece !== "" && widthOf(piece) + characterWidth(character) > width) {
      cut.push(piece);
      piece = "";
    }
    piece += character;
  }
  return [...cut, piece];
};

/** Breaks a text into lines of at most `width` columns (at least 2): at spaces, and inside words that are longer. */
export const wrap = (text: string, width: number): string[] => {
  const room = Math.max(2, width);
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && widthOf(line) + 1 + widthOf(word) <= room) {
      line += ` ${word}`;
      continue;
    }
    if (line !== "") lines.push(line);
    const cut = pieces(word, room);
    lines.push(...cut.slice(0, -1));
    line = cut.at(-1) ?? "";
  }
  return [...lines, line];
};
