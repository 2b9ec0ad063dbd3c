// Names from outside: of boards, lamps and people. Pure.

/** Controls of lines and of the direction of writing (Unicode's Bidi_Control): they would turn round what stands beside a name. */
const CONTROLS = /\s*[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+\s*/gu;
/** Letters of Hebrew, Arabic and their like. */
const LEFTWARDS =
  /[\p{Script=Hebr}\p{Script=Arab}\p{Script=Syrc}\p{Script=Thaa}\p{Script=Nkoo}\p{Script=Adlm}]/u;

/** A name of at least one and at most `longest` characters, on one line and in its own direction; null for anything else. */
export const readName = (value: unknown, longest: number): string | null => {
  if (typeof value !== "string" || value.length > longest) return null;
  const name = value.replace(CONTROLS, " ").trim();
  return name === "" ? null : name;
};

/** A name as it stands within a sentence: one that is written leftwards takes nothing beside it along (FSI and PDI, UAX #9). */
export const within = (name: string): string => (LEFTWARDS.test(name) ? `\u2068${name}\u2069` : name);
