/** Markup that is safe to put into a page as it is. */
export interface Html {
  readonly markup: string;
}

type Piece = string | number | Html | null | readonly Html[];

const escaped = (text: string): string =>
  text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");

const written = (piece: Piece): string => {
  if (piece === null) return "";
  if (typeof piece === "string" || typeof piece === "number") return escaped(String(piece));
  return "markup" in piece ? piece.markup : piece.map((each) => each.markup).join("");
};

/** A template whose values are escaped, unless they are `Html` themselves. */
export const html = (texts: TemplateStringsArray, ...pieces: readonly Piece[]): Html => ({
  markup: texts
    .map((text, index) => text + (index < pieces.length ? written(pieces[index] ?? null) : ""))
    .join(""),
});
