import { type EpochMs, epochMs } from "../units.ts";

// HTTP-date (RFC 9110 section 5.6.7): one form that is sent, and two that are to be understood all the same.

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const month = `(?<month>${MONTHS.join("|")})`;
const time = "(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)";

const forms: readonly RegExp[] = [
  // IMF-fixdate: Sun, 06 Nov 1994 08:49:37 GMT
  new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?<day>\\d\\d) ${month} (?<year>\\d{4}) ${time} GMT$`),
  // RFC 850: Sunday, 06-Nov-94 08:49:37 GMT
  new RegExp(
    `^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?<day>\\d\\d)-${month}-(?<short>\\d\\d) ${time} GMT$`,
  ),
  // asctime: Sun Nov  6 08:49:37 1994
  new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${month} (?<day>[ \\d]\\d) ${time} (?<year>\\d{4})$`),
];

/** Years of two digits are those of this century: no server that says one was there in the last. */
const CENTURY = 2000;

/** Null for what is no HTTP-date, or names a day or time that there is none of. */
export const readHttpDate = (text: string): EpochMs | null => {
  for (const form of forms) {
    const found = form.exec(text)?.groups;
    if (found === undefined) continue;
    const number = (name: string): number => Number(found[name] ?? 0);
    const year = found.short === undefined ? number("year") : CENTURY + number("short");
    const [day, hour, minute] = [number("day"), number("hour"), number("minute")];
    // A leap second is the one before it.
    const second = Math.min(number("second"), 59);
    const monthIndex = MONTHS.indexOf(found.month ?? "");
    const at = Date.UTC(year, monthIndex, day, hour, minute, second);
    const isThere = new Date(at).getUTCDate() === day && hour < 24 && minute < 60 && number("second") <= 60;
    return isThere ? epochMs(at) : null;
  }
  return null;
};
