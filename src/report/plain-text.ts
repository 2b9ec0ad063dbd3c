// Names come from whoever may write to the org or the broker. What a report shows of them is one line of visible text.

const LONGEST = 200;

/**
 * Control characters become spaces; marks that turn the direction of what follows, and halves of characters, are taken
 * out: none of them may move text of the report itself. Null where nothing is left.
 */
export const plainText = (value: unknown, longest = LONGEST): string | null => {
  if (typeof value !== "string") return null;
  const plain = value
    .slice(0, 4 * longest)
    .replace(/[\p{Cc}\u2028\u2029]+/gu, " ")
    .replace(
      /[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|\p{Cs}|[\u{e0000}-\u{e007f}]/gu,
      "",
    )
    .trim();
  if (plain === "") return null;
  return plain.length > longest ? `${plain.slice(0, longest - 1).toWellFormed()}…` : plain;
};
