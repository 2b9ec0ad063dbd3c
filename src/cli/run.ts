// `porchlight run`: the agent in the real world.

import { hostname } from "node:os";
import { isSea } from "node:sea";
import { createCallbacks } from "../adapters/callback-listener.ts";
import { systemClock, systemRandom } from "../adapters/clock.ts";
import { createControls } from "../adapters/control.ts";
import { createHttp } from "../adapters/http.ts";
import { createJsonJournal, createPeopleJournal } from "../adapters/journal.ts";
import { openKeys } from "../adapters/keys.ts";
import { mergeInputs } from "../adapters/merge-inputs.ts";
import { type RunRecord, recordRuns, startedOf } from "../adapters/run-record.ts";
import { openServiceManager } from "../adapters/service-manager.ts";
import { readNamedText } from "../adapters/settings-file.ts";
import { untilToldToStop } from "../adapters/signals.ts";
import type { Settings } from "../agent/settings.ts";
import { runAgent } from "../compose.ts";
import { AgentError } from "../errors.ts";
import { openDisplay } from "../hal/displays/open.ts";
import type { TerminalStream } from "../hal/displays/terminal.ts";
import { leaveTerminal } from "../hal/displays/terminal-kind.ts";
import type { Button } from "../hal/drivers/button.ts";
import type { Journal, OpenDriver, Updates } from "../ports.ts";
import { commandPath } from "../service/programs.ts";
import type { Io, RunCommand } from "./command.ts";
import { loadSettings } from "./load-settings.ts";
import { openState } from "./org-session.ts";
import { describeFault } from "./program.ts";
import { version } from "./version.ts";

/** The org sees this in its login history. */
export const userAgent = `porchlight/${version}`;

/** True where the display `terminal` draws in place: lines in between would spoil the picture. */
const draws = ({ display }: Settings, { stderr, env }: Io): boolean =>
  display === "terminal" && stderr.isTTY === true && (env.TERM ?? "dumb") !== "dumb";

/**
 * Control socket and record of runs wait for the first request to the org, at most this long, in milliseconds: to listen, Node
 * loads a good deal more, and the record is a wait for the disk.
 */
const AFTER_ASKING_MS = 500;

const silent: Journal = { record: () => {} };

/** Opens the first link in the browser of a person who sits in front of this board; the next ones are only shown. */
const opensLinks = (journal: Journal, { env, stderr }: Io): Journal => {
  let opened = stderr.isTTY !== true;
  return {
    record(event) {
      journal.record(event);
      if (event.event !== "link" || opened) return;
      opened = true;
      void import("../adapters/browser.ts").then(({ hasDesktop, openInBrowser }) => {
        if (hasDesktop(env)) openInBrowser(event.start, env);
      });
    },
  };
};

const journalFor = (settings: Settings, json: boolean, io: Io): Journal => {
  if (json) return createJsonJournal((line) => io.stdout.write(line), systemClock);
  if (draws(settings, io)) return silent;
  return createPeopleJournal((line) => io.stderr.write(line), systemClock);
};

/** JSON lines and a picture on one terminal: then the display prints below what is there instead of drawing over it. */
const displayStream = (json: boolean, { stdout, stderr }: Io): TerminalStream =>
  json && stdout.isTTY ? { write: (text) => stderr.write(text), isTTY: false } : stderr;

/** The board's button, when it has one; what is wrong with it is told, and the agent lives on without it. */
const openBoardButton = async (
  address: string | null,
  journal: Journal,
  signal: AbortSignal,
): Promise<Button | null> => {
  if (address === null) return null;
  const { openButton } = await import("../hal/drivers/button.ts");
  const failed = ({ message }: AgentError): void =>
    journal.record({ event: "fault", code: "BUTTON_FAULT", message, retryInMs: null });
  return openButton(address, { clock: systemClock, failed }, signal);
};

/** Only what was installed as a service, and has somebody to take them from, changes by itself. */
const updatesFor = async ({ update }: Settings, env: Io["env"]): Promise<Updates | null> => {
  if (update.url === null || !isSea()) return null;
  const { createUpdates } = await import("../adapters/updates.ts");
  return createUpdates([commandPath], env);
};

/** `porchlight run`, with drivers beside the built-in ones. */
export const runWith =
  (drivers: Readonly<Record<string, OpenDriver>>): RunCommand =>
  async (args, io) => {
    const { settings } = loadSettings(args, io);
    const json = args.flags.has("json");
    const keys = new AbortController();
    const out = displayStream(json, io);
    /** The terminal as it was before: from the first signal on, since the second one ends the program at once. */
    const leave = (): void => {
      keys.abort();
      leaveTerminal({ out, env: io.env });
    };
    process.once("exit", leave);
    using _leaving = { [Symbol.dispose]: () => process.off("exit", leave) };
    using stopping = untilToldToStop();
    const { signal } = stopping;
    signal.addEventListener("abort", leave, { once: true });
    const told = journalFor(settings, json, io);
    const journal = args.flags.has("no-browser") ? told : opensLinks(told, io);
    let damaged = false;
    const failed = ({ code, message }: AgentError): void => {
      if (code === "STATE_DAMAGED") damaged = true;
      journal.record({ event: "fault", code, message, retryInMs: null });
    };
    let run: RunRecord | null = null;
    const began = (record: RunRecord): void => {
      run = record;
    };
    const ca = settings.org.ca === null ? null : await readNamedText(settings.org.ca);
    await using client = createHttp({ ca, env: io.env, userAgent });
    using _keys = { [Symbol.dispose]: () => keys.abort() };
    const asked = Promise.race([client.sent, systemClock.sleep(AFTER_ASKING_MS, keys.signal)]).catch(
      () => undefined,
    );
    const vault = recordRuns(
      await openState(settings, io.env, failed),
      { dir: settings.state.dir, version, runtimeDir: io.env.RUNTIME_DIRECTORY, began, after: asked },
      systemClock.wall,
    );
    await using manager = openServiceManager(io.env, systemClock, (error) =>
      journal.record({
        event: "fault",
        code: "SERVICE_MANAGER_DEAF",
        message: new AgentError("SERVICE_MANAGER_DEAF", String(error)).message,
        retryInMs: null,
      }),
    );
    await using display = await openDisplay(
      settings.display,
      {
        clock: systemClock,
        out,
        env: io.env,
        failed,
      },
      signal,
    );
    const typed = openKeys(io.keys, (name) => process.kill(process.pid, name), keys.signal);
    await using controls = createControls(settings.state.dir, systemClock, failed, asked);
    const button = await openBoardButton(settings.button, journal, keys.signal);
    try {
      return await runAgent(
        settings,
        {
          clock: systemClock,
          random: systemRandom,
          http: client.http,
          vault,
          journal,
          display: manager.watch(display),
          inputs: button === null ? typed : mergeInputs([typed, button]),
          controls,
          callbacks: createCallbacks(hostname()),
          drivers,
          readText: readNamedText,
          assertion: async (until) =>
            (await import("../adapters/assertion.ts")).fetchAssertion(settings.org.assertion, io.env, until),
          version,
          lit: () => client.warm(settings.org.url),
          started: () => run && startedOf(run),
          damaged: () => damaged,
          bug: (error) => io.stderr.write(describeFault(error, io)),
          updates: await updatesFor(settings, io.env),
        },
        signal,
      );
    } finally {
      keys.abort();
      await button?.[Symbol.asyncDispose]();
    }
  };

/** `porchlight run` */
export const runCommand: RunCommand = runWith({});
