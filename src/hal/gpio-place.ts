// Which line of which chip a person means. Chips are found by their label and lines by their name or offset: the numbers
// of chips change with the kernel (a Pi 5's header was gpiochip4, then gpiochip0).

/** The controllers behind the 40-pin header, by board: there GPIOn is line n. */
export const headerLabels: Readonly<Record<string, string>> = {
  "pinctrl-bcm2835": "Raspberry Pi 1 to 3 and Zero",
  "pinctrl-bcm2711": "Raspberry Pi 4 and 400",
  "pinctrl-rp1": "Raspberry Pi 5 and 500",
};

/** A place in the settings: a line, and the chip's label when there is one. */
export interface LinePlace {
  readonly label: string | null;
  readonly line: string;
}

/** Reads `GPIO17`, `pinctrl-rp1/17` or `label/NAME`; otherwise what is wrong with it, as the end of a sentence. */
export const readPlace = (place: string): LinePlace | { readonly wrong: string } => {
  const slash = place.lastIndexOf("/");
  const label = slash < 0 ? null : place.slice(0, slash);
  const line = place.slice(slash + 1);
  if (line === "" || label === "") return { wrong: "names no line" };
  if (place.includes(","))
    return {
      wrong:
        "names several lines; a line is only on or off, so colours need the driver pwm: (or led:, firmata:, ble:)",
    };
  if (label !== null && /^(?:\/dev\/)?gpiochip\d+$/.test(label))
    return { wrong: "names a chip by its number, which changes with the kernel; name it by its label" };
  if (label === null && /^\d+$/.test(line))
    return { wrong: "names a line by its number alone; name the chip as well, or the line by its name" };
  if (line.length > 31 || (label?.length ?? 0) > 31)
    return { wrong: "is longer than the kernel's names are" };
  return { label, line };
};

interface Named {
  readonly label: string;
}

/** A line that was found, or what to tell the person. */
export type FoundLine<C extends Named, L> =
  | { readonly chip: C; readonly line: L }
  | { readonly missing: string };

const few = (names: readonly string[]): string =>
  names.slice(0, 12).join(", ") + (names.length > 12 ? ", …" : "");

/** Finds the line among the chips of a board. `linesOf` is asked only for chips that may have it. */
export const findLine = <C extends Named, L extends { readonly offset: number; readonly name: string }>(
  { label, line }: LinePlace,
  chips: readonly C[],
  linesOf: (chip: C) => readonly L[],
): FoundLine<C, L> => {
  const asked = label === null ? chips : chips.filter((chip) => chip.label === label);
  if (asked.length === 0)
    return {
      missing:
        chips.length === 0
          ? "the kernel knows no GPIO chip on this board"
          : `there is no GPIO chip ${label}; this board has ${few(chips.map((chip) => chip.label))}`,
    };
  const found = asked.flatMap((chip) => {
    const lines = linesOf(chip);
    const named = lines.filter((each) => each.name === line);
    // GPIO17 is line 17 of a header, whatever that kernel calls it (some Pi 5 kernels say PIN11).
    const offset = /^(?:GPIO)?(\d{1,3})$/.exec(line)?.[1];
    const counts = label !== null || Object.hasOwn(headerLabels, chip.label);
    const numbered =
      named.length > 0 || offset === undefined || !counts
        ? []
        : lines.filter((each) => each.offset === Number(offset));
    return [...named, ...numbered].map((each) => ({ chip, line: each }));
  });
  const onHeader = found.filter(({ chip }) => Object.hasOwn(headerLabels, chip.label));
  const best = found.length > 1 && onHeader.length > 0 ? onHeader : found;
  const [first, second] = best;
  if (first === undefined)
    return {
      missing: `there is no line ${line} on ${few(asked.map((chip) => chip.label))}; the command porchlight hardware lists them`,
    };
  if (second !== undefined)
    return {
      missing: `there are ${best.length} lines named ${line}; name one with its chip, such as ${first.chip.label}/${first.line.offset}`,
    };
  return first;
};
