import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { bundleOptions } from "../build/bundle-options.ts";
import { root } from "../build/source-files.ts";
import { ended, median, startNode } from "./measure.ts";

/** What loading a part costs a fresh process: medians. */
export interface ImportFigures {
  readonly part: string;
  /** The part as one minified file. */
  readonly ms: number;
  /** Growth of memory that is no file's, in bytes. */
  readonly anonymous: number;
  /** Size of that file in bytes. */
  readonly size: number;
}

const packages = ["mqtt", "jose", "conf", "qrcode-terminal", "ws", "johnny-five", "@jellybrick/dbus-next"];
const entries = [
  "src/main.ts",
  "src/cli/run.ts",
  "src/compose.ts",
  "src/agent/agent.ts",
  "src/device-flow/org.ts",
  "src/asset-token/source.ts",
  "src/broker/mqtt.ts",
  "src/hal/lamp.ts",
  "src/hal/drivers/memory.ts",
  "src/hal/drivers/led.ts",
  "src/hal/drivers/gpio.ts",
  "src/hal/drivers/pwm.ts",
  "src/hal/drivers/firmata.ts",
  "src/hal/drivers/ble.ts",
  "src/hal/displays/framebuffer.ts",
  "src/hal/displays/oled.ts",
  "src/adapters/vault.ts",
];

const probe = `
const { readFileSync } = await import("node:fs");
const anonymous = () => Number(/RssAnon:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]) * 1024;
const before = anonymous();
const startedAt = performance.now();
await import(process.argv[1]);
const ms = performance.now() - startedAt;
process.stdout.write("\\n" + JSON.stringify({ ms, anonymous: anonymous() - before }) + "\\n");
process.exit(0);
`;

/** Loads each part `rounds` times in a process of its own, in turns. `empty` is an empty file. */
export const measureImports = async (folder: string, rounds: number): Promise<ImportFigures[]> => {
  const parts = [
    { part: "(empty file)", contents: "" },
    ...packages.map((name) => ({
      part: name,
      contents: `import * as part from "${name}"; globalThis.part = part;`,
    })),
    ...entries
      .filter((entry) => existsSync(join(root, entry)))
      .map((entry) => ({
        part: entry,
        contents: `import * as part from "./${entry}"; globalThis.part = part;`,
      })),
  ];
  const files = await Promise.all(
    parts.map(async ({ part, contents }, index) => {
      const outfile = join(folder, `import-${index}.mjs`);
      const { metafile } = await build({
        ...bundleOptions,
        stdin: { contents, resolveDir: root, sourcefile: "probe.js" },
        outfile,
      });
      const size = Object.values(metafile.outputs)[0]?.bytes ?? 0;
      return { part, url: pathToFileURL(outfile).href, size, ms: [] as number[], anonymous: [] as number[] };
    }),
  );
  for (let round = 0; round <= rounds; round++)
    for (const file of files) {
      const { child, printed } = startNode(["--input-type=module", "-e", probe, file.url]);
      await ended(child);
      const line = printed().trim().split("\n").at(-1) ?? "";
      if (!line.startsWith("{")) throw new Error(`${file.part} could not be loaded:\n${printed()}`);
      const { ms, anonymous }: { ms: number; anonymous: number } = JSON.parse(line);
      if (round === 0) continue;
      file.ms.push(ms);
      file.anonymous.push(anonymous);
    }
  return files.map(({ part, size, ms, anonymous }) => ({
    part,
    ms: median(ms),
    anonymous: median(anonymous),
    size,
  }));
};
