import { parseArgs } from "node:util";
import { systemClock } from "../adapters/clock.ts";
import { createJsonJournal } from "../adapters/journal.ts";
import { AgentError, entryOf } from "../errors.ts";
import type { Io } from "./command.ts";
import { systemIo } from "./system-io.ts";

const help = `porchlight sim: the whole story on this computer, with a simulated board, org, broker and phone

  porchlight sim                  watch and play: in the terminal, and on a page in the browser
  porchlight sim --hands-free     plays the person, too; exit code 0 when the lamp has moved
  porchlight sim org              the simulated org alone, to try other clients against
  porchlight sim help             this text

Options
  --port N        port of the page (or of the org, with sim org); 0, the default, takes any free one
  --sign-in web   the board is signed in with a browser instead of a code
  --no-page       no page, only the terminal
  --legacy-user-agent
                  the app signs people in by the user-agent flow, which ends on 20 February 2027
  --state DIR     keep the board's memory in this folder; otherwise it is forgotten at the end
  --json          the board's events on stdout, one JSON object a line
  --certificate FILE
                  with sim org: the certificate of the key that boards sign in with by themselves (JWT bearer)
  -h, --help      this text

Examples
  npm start
  npm start -- --hands-free
  porchlight sim org --port 8080
  porchlight sim org --port 8080 --certificate org-cert.pem
`;

const flags = {
  "hands-free": { type: "boolean" },
  port: { type: "string" },
  "sign-in": { type: "string" },
  "no-page": { type: "boolean" },
  certificate: { type: "string" },
  state: { type: "string" },
  "legacy-user-agent": { type: "boolean" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/** `porchlight sim …`, and `npm start`. Resolves with the exit code; throws AgentError USAGE for a wrong call. */
export const simCommand = async (args: readonly string[], io: Io = systemIo): Promise<number> => {
  const { values, positionals } = readArgs(args);
  const [what = "world", ...rest] = positionals;
  if (values.help === true || what === "help") {
    io.stdout.write(help);
    return 0;
  }
  if (rest.length > 0 || (what !== "world" && what !== "org"))
    throw new AgentError("USAGE", `sim has no "${[what, ...rest].join(" ")}"; sim help shows what it has`);
  const port = portOf(values.port);
  const signIn = signInOf(values["sign-in"]);
  if (signIn === "web" && values["hands-free"] === true)
    throw new AgentError("USAGE", "the story of --hands-free is that of a code; leave one of the two out");
  const { certificate } = values;
  if (certificate !== undefined && what !== "org")
    throw new AgentError("USAGE", "--certificate is for sim org alone");
  const stateDir = values.state ?? null;
  // With --json stdout is for programs; people read stderr then.
  const json = values.json === true;
  const journal = json ? createJsonJournal((line) => void io.stdout.write(line), systemClock) : null;
  const people = json ? io.stderr : io.stdout;
  const say = (line: string): void => void people.write(`${line}\n`);

  const interrupted = new AbortController();
  const interrupt = (): void => {
    // A second Ctrl-C does not wait for anybody.
    if (interrupted.signal.aborted) process.exit(entryOf("INTERRUPTED").exitCode ?? 130);
    interrupted.abort(new AgentError("INTERRUPTED"));
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  try {
    if (what === "org")
      return await (await import("./sim-org.ts")).runOrg(
        { port, ...(certificate === undefined ? {} : { certificate }) },
        say,
        interrupted.signal,
      );
    if (values["hands-free"] === true)
      return await (await import("./sim-hands-free.ts")).handsFree(
        { stateDir, journal },
        say,
        interrupted.signal,
      );
    const pagePort = values["no-page"] === true ? null : port;
    return await (await import("./sim-live.ts")).live(
      {
        stateDir,
        journal,
        pagePort,
        signIn,
        userAgentFlow: values["legacy-user-agent"] === true,
        out: people,
        keys: io.stdin,
        env: io.env,
        interrupt,
      },
      interrupted.signal,
    );
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
};

const readArgs = (args: readonly string[]) => {
  try {
    return parseArgs({ args: [...args], options: flags, allowPositionals: true });
  } catch (error) {
    throw new AgentError("USAGE", error instanceof Error ? error.message : String(error), { cause: error });
  }
};

const signInOf = (text = "device"): "device" | "web" => {
  if (text !== "device" && text !== "web")
    throw new AgentError("USAGE", `--sign-in is ${JSON.stringify(text)}; it must be device or web`);
  return text;
};

const portOf = (text: string | undefined): number => {
  if (text === undefined) return 0;
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535)
    throw new AgentError("USAGE", `--port is ${JSON.stringify(text)}; it must be a number from 0 to 65535`);
  return port;
};
