/** The bounds of signed commands (docs/signed-commands.md), for whoever reads them and for the written contract. */
export const signedLimits = {
  /** The longest time between `iat` and `exp`, in seconds. */
  lifeS: 300,
  /** What `iat` and `exp` are at most, in seconds since 1970. */
  latestTime: 1e11,
  /** What the moments of a pass are at most, in seconds since 1970: the end of the year 9999. */
  latestMoment: 253_402_300_799,
  /** A lamp's id: a pattern. */
  lamp: "[a-z0-9_-]{1,64}",
  /** A time of day: a pattern. */
  time: "(?:[01]\\d|2[0-3]):[0-5]\\d",
  /** Dusk, and minutes after or before it: a pattern. */
  dusk: "dusk(?:[+-](?:[1-9]\\d?|1[0-7]\\d|180))?",
  /** Lamps that a pass or an evening may name. */
  lamps: 64,
  /** The name of a lamp, a board or a guest: 1 to 64 characters without control characters, one of them no space. A pattern. */
  name: "^(?=[\\s\\S]*\\S)[^\\u0000-\\u001f\\u007f-\\u009f]{1,64}$",
  /** The guest passes that a board keeps. */
  passes: 32,
  /** The furthest end of a guest pass, in days. */
  passDays: 366,
} as const;
