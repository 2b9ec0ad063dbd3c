// Which outputs of which PWM chips a person means. A chip is found by its device, which stays (fe20c000.pwm), or by its
// name, which may change with the kernel (pwmchip0).

/** An output in the settings. */
export interface PwmOutput {
  /** Device or name of the chip; null: the only one of the board. */
  readonly chip: string | null;
  readonly channel: number;
}

/** Reads `0`, `fe20c000.pwm/0` or several with commas; otherwise what is wrong with it, as the end of a sentence. */
export const readOutputs = (place: string): readonly PwmOutput[] | { readonly wrong: string } => {
  const outputs: PwmOutput[] = [];
  for (const part of place.split(",")) {
    const [, chip, channel] = /^(?:([\w.:@-]{1,64})\/)?(\d{1,3})$/.exec(part) ?? [];
    if (channel === undefined)
      return { wrong: "must name each output as chip/channel, or as a channel alone" };
    outputs.push({ chip: chip ?? null, channel: Number(channel) });
  }
  return new Set(outputs.map(({ chip, channel }) => `${chip}/${channel}`)).size < outputs.length
    ? { wrong: "names an output twice" }
    : outputs;
};

interface Named {
  readonly name: string;
  readonly device: string;
}

/** Finds the chip of an output among those of the board, or says what to tell the person. */
export const findChip = <C extends Named>(
  { chip: wanted }: PwmOutput,
  chips: readonly C[],
): { readonly chip: C } | { readonly missing: string } => {
  const there = chips.map(({ device }) => device).join(", ");
  const asked =
    wanted === null ? chips : chips.filter(({ name, device }) => wanted === name || wanted === device);
  const [chip, another] = asked;
  if (chip === undefined)
    return {
      missing:
        chips.length === 0
          ? "the kernel knows no PWM on this board; on a Raspberry Pi it needs dtoverlay=pwm-2chan in config.txt"
          : `there is no PWM chip ${wanted}; this board has ${there}`,
    };
  return another === undefined
    ? { chip }
    : { missing: `this board has several PWM chips (${there}); name one, such as ${chip.device}/0` };
};
