// A 5x7 font for displays without one. A glyph is seven base-32 digits, one for each row from the top; in each,
// 16 is the leftmost pixel and 1 the rightmost. The glyphs are those of ASCII 32 to 126, in order.
const glyphs =
  "0000000 4444404 aa00000 aavavaa 4fke5u4 op248j3 cik8lid 4400000 2488842 8422248 04lel40 044v440 0000c48 000v000 00000cc 01248g0 " +
  "ehjlphe 4c4444e eh1248v v2421he 26aiv22 vgu11he 68guhhe v124888 ehhehhe ehhf12c 0cc0cc0 0cc0c48 248g842 00v0v00 8421248 eh12404 " +
  "eh1dlle ehhvhhh uhhuhhu ehggghe uhhhhhu vgguggv vgguggg ehgnhhf hhhvhhh e44444e 72222ic hikokih ggggggv hrllhhh hhpljhh ehhhhhe " +
  "uhhuggg ehhhlid uhhukih fgge11u v444444 hhhhhhe hhhhha4 hhhllla hha4ahh hhha444 v1248gv e88888e 0g84210 e22222e 4ah0000 000000v " +
  "8420000 00e1fhf ggmphhu 00egghe 11djhhf 00ehvge 698s888 0fhhf1e ggmphhh 40c444e 20622ic ggikoki c44444e 00qllhh 00mphhh 00ehhhe " +
  "00uhugg 00djf11 00mpggg 00fge1u 88s8896 00hhhjd 00hhha4 00hhlla 00ha4ah 00hhf1e 00v248v 2448442 4444444 8442448 008l200";

const UNKNOWN = "vhhhhhv";

const table = new Map(
  glyphs.split(" ").map((glyph, index) => [String.fromCharCode(32 + index), glyph] as const),
);

/** Height of a line of text in pixels. */
export const GLYPH_ROWS = 7;
/** Columns from one character to the next: five pixels and a gap. */
export const GLYPH_PITCH = 6;

/** Text in pixels. */
export interface Lettering {
  readonly columns: number;
  /** True for a pixel of a letter; false everywhere outside. */
  get(x: number, y: number): boolean;
}

/** A text in pixels, 7 high. Accents are left off; a character the font does not have is an empty box. */
export const lettering = (text: string): Lettering => {
  const rows = [...text.normalize("NFKD").replace(/\p{M}/gu, "")].map((character) =>
    [...(table.get(character) ?? UNKNOWN)].map((digit) => Number.parseInt(digit, 32)),
  );
  return {
    columns: Math.max(0, rows.length * GLYPH_PITCH - 1),
    get: (x, y) => {
      const row = rows[Math.floor(x / GLYPH_PITCH)]?.[y] ?? 0;
      return ((row << (x % GLYPH_PITCH)) & 16) !== 0;
    },
  };
};
