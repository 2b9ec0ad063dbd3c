/** Names that Intl takes for time zones, as ICU has them, and Temporal does not. */
export const icuZones: readonly string[] = [
  ..."ACT AET AGT ART AST BET BST CAT CNT CST CTT EAT ECT IET IST JST MIT NET NST PLT PNT PRT PST SST VST".split(
    " ",
  ),
  "SystemV/PST8",
  "SystemV/AST4ADT",
  "US/Pacific-New",
  "Canada/East-Saskatchewan",
];
