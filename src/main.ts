#!/usr/bin/env node
import { describeFault, program } from "./cli/program.ts";
import { systemIo } from "./cli/system-io.ts";

const { stdout, stderr } = process;

// Whoever read along may go (a closed terminal, `| head`): the lamp must not go out because of that.
for (const stream of [stdout, stderr]) stream.on("error", () => {});

// Not with the message Node would print: it shows the error whole, and with it perhaps a secret.
process.on("uncaughtException", (error) => {
  stderr.write(describeFault(error, systemIo));
  process.exit(70);
});

process.exitCode = await program(process.argv.slice(2), systemIo);
