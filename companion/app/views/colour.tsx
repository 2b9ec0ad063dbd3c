import type { LightColour } from "../../../src/model.ts";
import type { ShownLamp } from "../../core/boards.ts";
import { within } from "../../core/name.ts";
import { Slider } from "./parts.tsx";

const swatches: readonly { readonly name: string; readonly rgb: readonly [number, number, number] }[] = [
  { name: "Red", rgb: [1, 0.13, 0.1] },
  { name: "Orange", rgb: [1, 0.5, 0.05] },
  { name: "Green", rgb: [0.2, 0.95, 0.35] },
  { name: "Turquoise", rgb: [0.1, 0.85, 0.85] },
  { name: "Blue", rgb: [0.18, 0.35, 1] },
  { name: "Violet", rgb: [0.62, 0.25, 1] },
  { name: "Pink", rgb: [1, 0.35, 0.68] },
];

const same = (a: LightColour, rgb: readonly number[]): boolean =>
  a.mode === "rgb" && a.rgb.every((part, index) => Math.abs(part - (rgb[index] ?? 0)) < 0.02);

const hexOf = (colour: LightColour): string =>
  colour.mode === "rgb"
    ? `#${colour.rgb
        .map((part) =>
          Math.round(part * 255)
            .toString(16)
            .padStart(2, "0"),
        )
        .join("")}`
    : "#ffb95e";

const rgbOf = (hex: string): readonly [number, number, number] => {
  const value = Number.parseInt(hex.slice(1), 16);
  return [(value >> 16) / 255, ((value >> 8) & 255) / 255, (value & 255) / 255];
};

/** White from warm to cold, and colours, as far as the lamp has them. */
export const ColourPanel = (props: {
  readonly id: string;
  readonly lamp: ShownLamp;
  readonly onChange: (colour: LightColour) => void;
}) => {
  const { traits, name } = props.lamp.info;
  const colour: LightColour = props.lamp.state?.colour ?? { mode: "none" };
  const white = traits.temperature;
  return (
    <div class="colour" id={props.id}>
      {white === null ? null : (
        <Slider
          label={`White of ${within(name)}, warm to cold`}
          class="white"
          min={white.minKelvin}
          max={white.maxKelvin}
          step={50}
          value={colour.mode === "temperature" ? colour.kelvin : Math.max(white.minKelvin, 2700)}
          text={(value) => `${value} kelvin`}
          onMove={(kelvin) => props.onChange({ mode: "temperature", kelvin })}
        />
      )}
      {traits.rgb ? (
        <fieldset class="swatches">
          <legend class="unseen">Colour of {within(name)}</legend>
          {swatches.map((swatch) => (
            <button
              key={swatch.name}
              type="button"
              class="swatch"
              title={swatch.name}
              aria-label={swatch.name}
              aria-pressed={same(colour, swatch.rgb)}
              style={{ background: `rgb(${swatch.rgb.map((part) => Math.round(part * 255)).join(" ")})` }}
              onClick={() => props.onChange({ mode: "rgb", rgb: swatch.rgb })}
            />
          ))}
          <label class="swatch any" title="Any colour">
            <span class="unseen">Any colour</span>
            <input
              type="color"
              value={hexOf(colour)}
              onChange={(event) => props.onChange({ mode: "rgb", rgb: rgbOf(event.currentTarget.value) })}
            />
          </label>
        </fieldset>
      ) : null}
    </div>
  );
};
