// `porchlight take-over`: what the unit porchlight-first-boot.service runs.

import { openCardFiles } from "../adapters/card-files.ts";
import { systemClock } from "../adapters/clock.ts";
import { openServiceManager, type ServiceManager } from "../adapters/service-manager.ts";
import { readBoardFacts } from "../adapters/settings-file.ts";
import { untilToldToStop } from "../adapters/signals.ts";
import { type Outcome, takeOver } from "../adapters/take-over.ts";
import { mistakesView } from "../agent/mistakes-view.ts";
import { settingsError } from "../agent/settings-parse.ts";
import type { BoardFacts } from "../agent/settings-table.ts";
import { boardToCome, displayIn } from "../agent/settings-take-over.ts";
import { AgentError } from "../errors.ts";
import { secretsPath, settingsFolder, settingsPath } from "../service/files.ts";
import { bootFolders } from "../service/first-boot.ts";
import type { Io, RunCommand } from "./command.ts";
import { helpPage } from "./help-page.ts";
import { describeFault, exitCodeOf } from "./program.ts";
import { boardScreens, showMistakes } from "./show-mistakes.ts";

const faultOf = (cause: unknown): AgentError =>
  new AgentError("TAKE_OVER_FAILED", String(cause).replace(/^Error: /, ""), { cause });

const deviceOf = ({ deviceId = "", hostname, serial = "" }: BoardFacts) => ({
  id: deviceId,
  name: hostname,
  serial,
});

const told = (outcome: Exclude<Outcome, { kind: "wrong" }>, { stderr }: Io): number => {
  if (outcome.kind === "nothing")
    stderr.write(`There is no porchlight.json in ${bootFolders.join(" or ")}.\n`);
  else {
    const { from, secrets } = outcome;
    stderr.write(
      `${from} is in force as ${settingsPath}; ${secrets === 1 ? "1 secret" : `${secrets} secrets`} moved to ${secretsPath}.\n`,
    );
  }
  return 0;
};

/** `porchlight take-over` */
export const takeOverCommand: RunCommand = async ({ flags, values }, io) => {
  const root = values.root ?? "/";
  if (process.getuid?.() !== 0 && values.root === undefined)
    throw new AgentError("TAKE_OVER_FAILED", "only root may do this: sudo porchlight take-over");
  using stopping = untilToldToStop();
  const deaf = (error: unknown): void =>
    void io.stderr.write(`${new AgentError("SERVICE_MANAGER_DEAF", String(error)).message}\n`);
  await using manager: ServiceManager = openServiceManager(io.env, systemClock, deaf);
  const files = openCardFiles(root);
  const board = values.root === undefined ? readBoardFacts({}) : boardToCome;
  const outcome = await takeOver(
    { boot: bootFolders, folder: settingsFolder, secrets: secretsPath, settings: settingsPath, board },
    files,
  ).catch((error: unknown) => {
    throw faultOf(error);
  });
  if (outcome.kind !== "wrong") {
    manager.ready();
    return told(outcome, io);
  }
  const fault = settingsError(outcome.mistakes);
  if (outcome.goesOn) io.stderr.write(`The settings in ${settingsPath} stay in force.\n`);
  if (outcome.goesOn || !flags.has("show")) throw fault;
  io.stderr.write(describeFault(fault, io));
  await showMistakes(
    {
      view: mistakesView(deviceOf(board), outcome.mistakes, helpPage),
      display: displayIn(outcome.file.text),
      screens: boardScreens,
      clock: systemClock,
      io,
      manager,
      settled: () => files.exists(settingsPath),
    },
    stopping.signal,
  );
  return exitCodeOf(fault);
};
