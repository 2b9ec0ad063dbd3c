const BASE62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/**
 * The three letters that make a 15-character, case-sensitive record id safe to compare without case: one per five
 * characters, its five bits saying which of them are upper case.
 */
const suffix = (id15: string): string =>
  [0, 5, 10]
    .map((from) => {
      const bits = [...id15.slice(from, from + 5)].reduce(
        (sum, char, place) => sum + (/[A-Z]/.test(char) ? 1 << place : 0),
        0,
      );
      return BASE32.charAt(bits);
    })
    .join("");

/** The `n`th 18-character record id of the kind that `prefix` names (`005` user, `02i` asset, `00D` org …). */
export const recordId = (prefix: string, n: number): string => {
  let digits = "";
  for (let rest = n; rest > 0; rest = Math.floor(rest / 62)) digits = BASE62.charAt(rest % 62) + digits;
  const id15 = `${prefix}Nw0${digits.padStart(9, "0")}`;
  return id15 + suffix(id15);
};

/** True for a 15- or 18-character record id. */
export const isRecordId = (value: string): boolean => /^[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?$/.test(value);

/** The same record, whether written with 15 or 18 characters. */
export const sameRecord = (a: string, b: string): boolean => a.slice(0, 15) === b.slice(0, 15);
