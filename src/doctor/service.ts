import { type ErrorCode, entryOf, errorTable } from "../errors.ts";
import { type Finding, notTried, ok, type Step, warning, wrong } from "./check.ts";

/** What `systemctl show` says of the unit, by its own names. */
export type UnitFacts = ReadonlyMap<string, string>;

/** The properties that are asked for. */
export const unitProperties: readonly string[] = [
  "LoadState",
  "UnitFileState",
  "ActiveState",
  "SubState",
  "Result",
  "ExecMainCode",
  "ExecMainStatus",
  "NRestarts",
  "ActiveEnterTimestamp",
  "ConditionResult",
];

/** Reads `name=value` lines. */
export const readUnit = (text: string): UnitFacts =>
  new Map(
    text.split("\n").flatMap((line): [string, string][] => {
      const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, value ?? ""]];
    }),
  );

/** The only error that ends the program with this exit code, or null. */
const codeOfExit = (exit: number): ErrorCode | null => {
  const fitting = (Object.keys(errorTable) as ErrorCode[]).filter((code) => {
    const entry = entryOf(code);
    return "exitCode" in entry && entry.exitCode === exit;
  });
  return fitting.length === 1 ? (fitting[0] ?? null) : null;
};

/** siginfo's si_code, as systemd passes it on: CLD_EXITED. */
const EXITED = "1";

/** How the program ended the last time, in words; null: it has not. */
export const lastEnd = (unit: UnitFacts): string | null => {
  const status = unit.get("ExecMainStatus") ?? "0";
  switch (unit.get("ExecMainCode")) {
    case undefined:
    case "0":
      return null;
    case EXITED:
      return `it ended with exit code ${status}`;
    default:
      return `signal ${status} ended it${unit.get("Result") === "watchdog" ? ": it hung, and systemd's watchdog struck" : ""}`;
  }
};

const journal = "journalctl -u porchlight -n 50 says why.";

export const judgeUnit = (unit: UnitFacts): Finding => {
  const said = (name: string): string => unit.get(name) ?? "";
  const load = said("LoadState");
  if (load === "not-found" || load === "")
    return notTried("there is no porchlight.service; sudo porchlight install makes it one");
  if (load === "masked" || said("UnitFileState").startsWith("masked"))
    return wrong("it is masked", "It cannot be started at all.", "sudo systemctl unmask porchlight");
  const ended = lastEnd(unit);
  const exit = said("ExecMainCode") === EXITED ? codeOfExit(Number(said("ExecMainStatus"))) : null;
  const help = exit === null ? journal : `${entryOf(exit).help} ${journal}`;
  switch (said("ActiveState")) {
    case "active":
    case "reloading": {
      const since = said("ActiveEnterTimestamp");
      const restarts = Number(said("NRestarts")) || 0;
      const saw = `it runs${since === "" ? "" : ` since ${since}`}${restarts === 0 ? "" : `, after ${restarts} restarts`}`;
      if (restarts > 2)
        return warning(
          saw,
          `systemd had to start it again.${ended === null ? "" : ` Last, ${ended}.`}`,
          journal,
        );
      return ok(saw);
    }
    case "activating":
      return said("SubState") === "auto-restart"
        ? wrong(
            `it ends as soon as it starts${ended === null ? "" : `: ${ended}`}`,
            "systemd tries again and again.",
            help,
            exit,
          )
        : ok("it is just starting");
    case "failed":
      return wrong(
        `it has failed (${said("Result")})${ended === null ? "" : `: ${ended}`}`,
        "It does not start again by itself.",
        `${help} Then: sudo systemctl restart porchlight`,
        exit,
      );
    default:
      return said("ConditionResult") === "no"
        ? wrong(
            "it was not started: /etc/porchlight/settings.json is missing",
            "Without settings there is nothing to do.",
            "Write it (docs/setup.md), then: sudo systemctl start porchlight",
          )
        : warning(
            "it does not run",
            "Nobody has started it, or somebody has stopped it.",
            "sudo systemctl start porchlight",
          );
  }
};

export const judgeEnabled = (unit: UnitFacts): Finding =>
  /^(?:enabled|static|linked|generated)/.test(unit.get("UnitFileState") ?? "")
    ? ok("it starts with the board")
    : warning(
        "it does not start with the board",
        "After a cut of power the lamp stays dark.",
        "sudo systemctl enable porchlight",
      );

/** `unit` is null where there is no systemd to ask. */
export const serviceSteps = (unit: () => Promise<UnitFacts | null>): readonly Step[] => {
  let seen: UnitFacts | null = null;
  return [
    {
      id: "unit",
      title: "The service",
      notNow: () => null,
      async look() {
        seen = await unit();
        return seen === null ? notTried("systemd does not answer here") : judgeUnit(seen);
      },
    },
    {
      id: "enabled",
      title: "Its start",
      notNow: () => (seen?.get("LoadState") === "loaded" ? null : "there is no such service"),
      look: async () => judgeEnabled(seen ?? new Map()),
    },
  ];
};
