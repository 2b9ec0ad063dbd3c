/** The bounds of signed commands (docs/signed-commands.md), for whoever reads them and for the written contract. */
export const signedLimits = {
  /** The longest time between `iat` and `exp`, in seconds. */
  lifeS: 300,
  /** The longest name of a lamp, a board or a guest, in characters. */
  nameLength: 64,
  /** The furthest end of a guest pass, in days. */
  passDays: 366,
  /** The guest passes that a board keeps. */
  passes: 32,
} as const;
