// A lamp of your own, made of johnny-five's components on the header of a Raspberry Pi:
//
//   node examples/own-lamp.ts --settings porch.json
//
// with "lights": [{ "id": "main", "driver": "lantern:" }]. This lantern has a dimmable bulb on GPIO18 (hardware PWM) and
// a glow of embers, an LED on GPIO17 that burns whenever the bulb does. Everything else is Porchlight's: fades, the
// brightness curve, what it was before the power went, topics and commands.

import { pathToFileURL } from "node:url";
import five from "johnny-five";
import { runProgram } from "../src/cli/run-program.ts";
import { type HeaderIoParts, openHeaderIo } from "../src/hal/drivers/johnny-five-io.ts";
import type { LightDriver, OpenDriver } from "../src/ports.ts";

/** Opens the lantern; `parts` lets a test put another board under it. */
export const openLantern = async (parts: HeaderIoParts, signal: AbortSignal): Promise<LightDriver> => {
  const io = await openHeaderIo({ pwm: { 18: "0" }, ...parts }, signal);
  const board = new five.Board({ io, repl: false, debug: false, sigint: false });
  await new Promise<void>((resolve) => board.once("ready", () => resolve()));
  const bulb = new five.Led({ board, pin: "GPIO18" });
  const embers = new five.Led({ board, pin: "GPIO17" });
  return {
    traits: { channels: ["white"], framesPerSecond: 50 },
    async write([duty = 0]) {
      bulb.brightness(Math.round(duty * 255));
      if (duty > 0) embers.on();
      else embers.off();
      await io.settled();
    },
    [Symbol.asyncDispose]: () => io[Symbol.asyncDispose](),
  };
};

const lantern: OpenDriver = (_address, { clock }, signal) => openLantern({ clock }, signal);

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  process.exitCode = await runProgram(process.argv.slice(2), { lantern });
