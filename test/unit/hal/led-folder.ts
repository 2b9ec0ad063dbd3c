import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The attributes of an LED as the kernel's LED class lays them out, as plain files. */
export interface LedFolder {
  readonly path: string;
  read(attribute: string): string;
  /** What a person would see: brightness and intensities as the kernel multiplies them, 0 to 1. */
  shown(): readonly number[];
}

export const ledFolder = (
  root: string,
  name: string,
  {
    max,
    colours,
    trigger = "[none] mmc0 heartbeat",
  }: { max: number; colours?: string | undefined; trigger?: string },
): LedFolder => {
  const path = join(root, name);
  mkdirSync(path, { recursive: true });
  const put = (attribute: string, text: string): void => writeFileSync(join(path, attribute), `${text}\n`);
  put("max_brightness", String(max));
  put("brightness", "0");
  put("trigger", trigger);
  if (colours !== undefined) {
    put("multi_index", colours);
    put("multi_intensity", colours.replace(/\w+/g, "0"));
  }
  const read = (attribute: string): string => readFileSync(join(path, attribute), "utf8").trim();
  return {
    path,
    read,
    shown: () => {
      const brightness = Number(read("brightness")) / max;
      if (colours === undefined) return [brightness];
      return read("multi_intensity")
        .split(" ")
        .map((intensity) => (brightness * Number(intensity)) / max);
    },
  };
};
