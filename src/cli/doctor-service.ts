// `porchlight doctor service`

import type { Check } from "../doctor/check.ts";
import { examine } from "../doctor/examine.ts";
import { readUnit, serviceSteps, unitProperties } from "../doctor/service.ts";
import type { Io } from "./command.ts";
import { toolOutput } from "./doctor-board.ts";

const ask = ["systemctl", "show", "porchlight.service", `--property=${unitProperties.join(",")}`];

/** Looks at the service as systemd has it. Needs no settings. */
export const examineService = (io: Io, signal: AbortSignal): AsyncGenerator<Check, void> =>
  examine(
    serviceSteps(async () => {
      const said = await toolOutput(io, ask, signal);
      return said === null ? null : readUnit(said);
    }),
    signal,
  );
