import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SimulatedOrg } from "../../../firmware-sim/org/org.ts";
import { systemClock } from "../../../src/adapters/clock.ts";
import { createHttp } from "../../../src/adapters/http.ts";
import type { KeyStream } from "../../../src/adapters/keys.ts";
import { simCommand } from "../../../src/cli/sim.ts";
import { handsFree } from "../../../src/cli/sim-hands-free.ts";
import { live } from "../../../src/cli/sim-live.ts";
import { runOrg } from "../../../src/cli/sim-org.ts";
import { createOrg } from "../../../src/device-flow/org.ts";
import type { AgentEvent } from "../../../src/model.ts";
import { Secret } from "../../../src/units.ts";

const never = new AbortController().signal;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "porchlight-test-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Somewhere to write to, and to wait at until something was written. */
class Paper {
  readonly isTTY: boolean;
  readonly columns = 100;
  readonly rows = 40;
  text = "";
  #wake = Promise.withResolvers<void>();
  constructor(isTTY = false) {
    this.isTTY = isTTY;
  }
  write(text: string): boolean {
    this.text += text;
    this.#wake.resolve();
    return true;
  }
  on(): void {}
  off(): void {}
  /** Waits until something more is written. */
  async next(): Promise<void> {
    this.#wake = Promise.withResolvers<void>();
    await this.#wake.promise;
  }
  /** Waits until `text` is written, from now on, and forgets what was before. */
  async until(text: string): Promise<void> {
    while (!this.text.includes(text)) await this.next();
    this.text = "";
  }
}

const keyboard = (isTTY: boolean): KeyStream & { raw: boolean[] } => {
  const raw: boolean[] = [];
  return Object.assign(new PassThrough(), { isTTY, raw, setRawMode: (on: boolean) => raw.push(on) });
};

const io = (stdout = new Paper(), stderr = new Paper()) => ({
  env: {},
  stdin: keyboard(false),
  keys: null,
  stdout,
  stderr,
});

describe("the command line", () => {
  test.each([["help"], ["--help"], ["-h"]])("%s explains it", async (word) => {
    const out = new Paper();
    expect(await simCommand([word], io(out))).toBe(0);
    expect(out.text).toContain("--hands-free");
  });

  test.each([
    [["--fast"]],
    [["orc"]],
    [["org", "two"]],
    [["--port", "x"]],
    [["--port", "70000"]],
    [["--sign-in", "fax"]],
    [["--certificate", "cert.pem"]],
    [["--sign-in", "web", "--hands-free"]],
  ])("%j is a wrong call", async (args) => {
    await expect(simCommand(args, io())).rejects.toMatchObject({ code: "USAGE" });
  });

  test("a port of the page that is taken is a wrong call", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const address = taken.address();
    const port = typeof address === "object" ? address?.port : undefined;
    await expect(simCommand(["--port", String(port)], io())).rejects.toMatchObject({ code: "USAGE" });
    taken.close();
  });
});

describe("hands free", () => {
  test("tells each step and ends well, and nothing is left of it", async () => {
    const out = new Paper();
    const err = new Paper();
    expect(await simCommand(["--hands-free", "--json", "--state", folder], io(out, err))).toBe(0);
    const events: AgentEvent[] = out.text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events.map(({ event }) => event)).toEqual(
      expect.arrayContaining(["code", "signedIn", "assetToken", "online", "light", "stopped"]),
    );
    expect(err.text.match(/^ +\d+ +\d+\.\d s {2}/gm)).toHaveLength(10);
    // The board's memory stays where it was asked for.
    expect(await readdir(folder)).toContain("grant.1");
  });

  test("ends badly, with its reason, when the board has no place for its memory", async () => {
    const file = join(folder, "file");
    await writeFile(file, "");
    const said: string[] = [];
    const code = await handsFree({ stateDir: file, journal: null }, (line) => said.push(line), never);
    expect(code).toBe(1);
    expect(said.join("\n")).toContain("FAILED at step 1");
    expect(said.join("\n")).toContain("STATE_UNWRITABLE");
  });

  test("can be interrupted", async () => {
    const stopping = new AbortController();
    const code = await handsFree(
      { stateDir: null, journal: null },
      (line) => {
        if (/^ +1 /.test(line)) stopping.abort(new Error("enough"));
      },
      stopping.signal,
    );
    expect(code).toBe(130);
  });
});

/** Waits until a listening page has been told `text`. */
const seesOnPage = async (url: string, text: string): Promise<void> => {
  const { body } = await fetch(new URL("/events", url));
  if (body === null) throw new Error("the page's events have no body");
  let told = "";
  for await (const part of body.pipeThrough(new TextDecoderStream())) {
    told += part;
    if (told.includes(text)) return;
  }
};

describe("in a terminal", () => {
  const open = (pagePort: number | null = null) => {
    const out = new Paper(true);
    const keys = keyboard(true);
    let interrupts = 0;
    const ended = live(
      {
        stateDir: folder,
        journal: null,
        pagePort,
        out,
        keys,
        env: { TERM: "xterm-256color", COLORTERM: "truecolor", LANG: "C.UTF-8" },
        interrupt: () => {
          interrupts += 1;
        },
      },
      never,
    );
    return { out, keys, ended, interrupts: () => interrupts };
  };

  test("the keys play the person and the phone, and the terminal is given back", async () => {
    const { out, keys, ended, interrupts } = open(0);
    const address = /browser: (http:\/\/127\.0\.0\.1:\d+\/)/;
    while (!address.test(out.text)) await out.next();
    await seesOnPage(address.exec(out.text)?.[1] ?? "", '"modules":"1111111');
    await out.until("Make this lamp yours");
    keys.push("o");
    await out.until("not online yet");
    keys.push("p");
    await out.until("Ada Okafor's lamp");
    keys.push("p");
    await out.until("no code to approve");
    keys.push("o");
    await out.until("The lamp: warm white, 100 %");
    keys.push("-");
    await out.until("The lamp: warm white, 85 %");
    keys.push("+");
    await out.until("The lamp: warm white, 100 %");
    keys.push("cc");
    await out.until("The lamp: white");
    keys.push("b");
    await out.until("The lamp: off");
    keys.push("h");
    await out.until("GPIO17  hall, a relay   ░░░░░░░░░░░░    low");
    keys.push("l");
    await out.until("The keys move the lamp Hall now.");
    keys.push("o");
    await out.until("GPIO17  hall, a relay   ████████████   high");
    keys.push("h");
    await out.until("hall: on");
    keys.push("n");
    await out.until("mends it");
    keys.push("n");
    await out.until("cut network");
    keys.push("r");
    await out.until("Revoked at the org");
    keys.push("z\u0003q");
    expect(await ended).toBe(0);
    expect(interrupts()).toBe(1);
    expect(keys.raw).toEqual([true, false]);
    expect(out.text.endsWith("\u001b[?25h\u001b[?1049l")).toBe(true);
  });

  test("without a terminal each message is one line, until it is interrupted", async () => {
    const out = new Paper();
    const stopping = new AbortController();
    const ended = live(
      {
        stateDir: null,
        journal: null,
        pagePort: 0,
        out,
        keys: keyboard(false),
        env: {},
        interrupt: () => {},
      },
      stopping.signal,
    );
    await out.until("Open the page in a browser: http://127.0.0.1:");
    await out.until("board → person");
    stopping.abort();
    expect(await ended).toBe(0);
    expect(out.text).not.toContain("\u001b");
  });

  test("a second agent with the same memory ends with its own exit code, and the story says so", async () => {
    const { out, keys, ended } = open();
    await out.until("Make this lamp yours");
    const said: string[] = [];
    const second = new Paper();
    const options = { stateDir: folder, journal: null, pagePort: null, env: {}, interrupt: () => {} };
    const [story, another] = await Promise.all([
      handsFree({ stateDir: folder, journal: null }, (line) => said.push(line), never),
      live({ ...options, out: second, keys: keyboard(false) }, never),
    ]);
    expect(story).toBe(1);
    expect(said.join("\n")).toContain("exit code 75");
    expect(another).toBe(75);
    expect(second.text).toContain("exit code 75");
    keys.push("q");
    expect(await ended).toBe(0);
  });

  test("an interrupt that came before it began ends it at once", async () => {
    const options = { stateDir: null, journal: null, pagePort: null, env: {}, interrupt: () => {} };
    const code = live({ ...options, out: new Paper(), keys: keyboard(false) }, AbortSignal.abort());
    expect(await code).toBe(0);
  });

  test("a board that has no place for its memory does not begin", async () => {
    const file = join(folder, "file");
    await writeFile(file, "");
    const options = { journal: null, pagePort: null, out: new Paper(), keys: keyboard(false), env: {} };
    await expect(live({ ...options, stateDir: file, interrupt: () => {} }, never)).rejects.toMatchObject({
      code: "STATE_UNWRITABLE",
    });
  });
});

test("the org alone takes boards that sign in by themselves: with its secret, and with a certificate that it is told", async () => {
  const out = new Paper();
  const stopping = new AbortController();
  const file = join(folder, "cert.pem");
  const { certificate, privateKey } = new SimulatedOrg({ clock: systemClock }).simulatedProvider;
  const begin = { port: 0, certificate: file };
  const notYet = { code: "USAGE", message: expect.stringContaining("cert.pem does not exist") };
  await expect(runOrg(begin, () => {}, never)).rejects.toMatchObject(notYet);
  await writeFile(file, "no certificate");
  const none = { code: "USAGE", message: expect.stringContaining("holds no certificate") };
  await expect(runOrg(begin, () => {}, never)).rejects.toMatchObject(none);
  await writeFile(file, certificate);
  const ended = runOrg(begin, (line) => out.write(`${line}\n`), stopping.signal);
  while (!out.text.includes("Ctrl-C")) await new Promise((resolve) => setImmediate(resolve));
  const told = (what: string): string => new RegExp(`^  ${what} +(\\S+)`, "m").exec(out.text)?.[1] ?? "";
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(out.text)?.[0] ?? "";
  const options = { dialect: "salesforce" as const, url, clientId: told("client id"), scope: "", ca: null };
  const key = new Secret(privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  await using client = createHttp({ ca: null, env: {}, userAgent: "test" });
  const ports = { http: client.http, clock: systemClock };
  const bySecret = { signIn: "client-credentials" as const, clientSecret: new Secret(told("client secret")) };
  const byKey = { signIn: "jwt-bearer" as const, username: told("person").replace(/,$/, ""), key };
  for (const way of [bySecret, byKey]) {
    const grant = await createOrg({ clientSecret: null, ...options, ...way }, ports).signIn?.(never);
    expect(grant?.identity?.name ?? grant?.idUrl).toBeTruthy();
  }
  stopping.abort();
  expect(await ended).toBe(0);
});

test("the org alone answers and says what it was asked", async () => {
  const out = new Paper();
  const stopping = new AbortController();
  const ended = runOrg({ port: 0 }, (line) => out.write(`${line}\n`), stopping.signal);
  const address = async (): Promise<string> => {
    for (;;) {
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(out.text)?.[0];
      if (found !== undefined) return found;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const url = await address();
  const { port } = new URL(url);
  await expect(runOrg({ port: Number(port) }, () => {}, never)).rejects.toMatchObject({ code: "USAGE" });
  const answer = await fetch(`${url}/id/keys`);
  expect(answer.status).toBe(200);
  await out.until("GET /id/keys");
  stopping.abort();
  expect(await ended).toBe(0);
});

test("the org alone tells what it was sent in words that no terminal obeys", async () => {
  const out = new Paper();
  const stopping = new AbortController();
  const ended = runOrg({ port: 0 }, (line) => out.write(`${line}\n`), stopping.signal);
  while (!out.text.includes("Ctrl-C")) await out.next();
  const body = new URLSearchParams({
    grant_type: "urn:ietf:params:oauth:grant-type:saml2-bearer",
    assertion: Buffer.from("<a\u009b2J>").toString("base64url"),
  });
  await fetch(`${/http:\/\/127\.0\.0\.1:\d+/.exec(out.text)?.[0]}/services/oauth2/token`, {
    method: "POST",
    body,
  });
  expect(out.text).toContain("invalid tagName:a 2J");
  stopping.abort();
  expect(await ended).toBe(0);
});
