// On the emulated Pi: the agent with the lamp of examples/own-lamp.ts, in place of the built agent.

import { openLantern } from "../../../examples/own-lamp.ts";
import { runProgram } from "../../../src/cli/run-program.ts";

process.exitCode = await runProgram(process.argv.slice(2), {
  lantern: (_address, { clock }, signal) => openLantern({ clock, pwm: { 18: "3d000000.pwm/0" } }, signal),
});
