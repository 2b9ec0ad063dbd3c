import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Certificates } from "./certificates.ts";
import { freePorts, within } from "./scratch.ts";

/** Names and passwords that the broker knows; made anew for each run. */
export interface Account {
  readonly username: string;
  readonly password: string;
}

/** Eclipse Mosquitto as Debian ships it, on 127.0.0.1, with one listener per way in. */
export interface Mosquitto extends AsyncDisposable {
  /** mqtt://, password. */
  readonly plain: string;
  /** mqtts://, password, certificate of the run's own authority. */
  readonly tls: string;
  /** mqtts://, client certificate required, its common name is the user. */
  readonly mutual: string;
  /** ws://, password. */
  readonly websocket: string;
  /** wss://, password. */
  readonly secureWebsocket: string;
  /** mqtt://, anybody with any password and any topic, as behind a gateway that checks tokens itself. */
  readonly open: string;
  /** As `open`, with TLS. */
  readonly openTls: string;
  /** What it has logged so far. */
  log(): string;
  start(): Promise<void>;
  /** Ends it; SIGKILL as in a power cut, else it says goodbye to its clients. */
  stop(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** While it is stopped: its sessions and retained messages are gone. */
  forget(): void;
}

const START_LIMIT_MS = 10_000;
const STOP_LIMIT_MS = 10_000;

// Debian keeps daemons in a folder that is not on every user's PATH.
const environment = { ...process.env, PATH: `${process.env.PATH}${delimiter}/usr/sbin` };

const requireTools = (): void => {
  for (const [tool, ...args] of [
    ["mosquitto", "-h"],
    ["mosquitto_passwd", "--help"],
  ] as const)
    try {
      execFileSync(tool, args, { env: environment, stdio: "ignore" });
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT")
        throw new Error(`${tool} is missing: apt-get install mosquitto`, { cause: error });
    }
};

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });

/**
 * Starts the broker with its files in `folder`. `board` may use its own topics, those of discovery and
 * `phone/answers/`, `phone` everything below `porchlight/` and `phone/`. `extra` lines are added to the configuration.
 */
export const startMosquitto = async (options: {
  readonly folder: string;
  readonly certificates: Certificates;
  readonly deviceId: string;
  readonly board: Account;
  readonly phone: Account;
  readonly extra?: readonly string[];
}): Promise<Mosquitto> => {
  requireTools();
  const { folder, certificates, deviceId, board, phone } = options;
  const [plain = 0, tls = 0, mutual = 0, websocket = 0, secureWebsocket = 0, open = 0, openTls = 0] =
    await freePorts(7);
  const passwords = join(folder, "passwords");
  writeFileSync(passwords, `${board.username}:${board.password}\n${phone.username}:${phone.password}\n`, {
    mode: 0o600,
  });
  execFileSync("mosquitto_passwd", ["-U", passwords], { env: environment });

  const acl = join(folder, "acl");
  const boardMay = [
    `topic readwrite porchlight/${deviceId}/#`,
    `topic write homeassistant/device/${deviceId}/config`,
    "topic read homeassistant/status",
    "topic write phone/answers/#",
  ];
  writeFileSync(
    acl,
    [
      ...[`user ${board.username}`, ...boardMay],
      ...(board.username === deviceId ? [] : [`user ${deviceId}`, ...boardMay]),
      ...[`user ${phone.username}`, "topic readwrite porchlight/#", "topic readwrite phone/#"],
      "",
    ].join("\n"),
    { mode: 0o600 },
  );

  const data = join(folder, "data");
  mkdirSync(data, { recursive: true });
  const passwordListener = (port: number): string[] => [
    `listener ${port} 127.0.0.1`,
    "socket_domain ipv4", // else a websocket listener of 2.0 binds to every address
    "allow_anonymous false",
    `password_file ${passwords}`,
    `acl_file ${acl}`,
  ];
  const secure = [
    `cafile ${certificates.ca}`,
    `certfile ${certificates.server.cert}`,
    `keyfile ${certificates.server.key}`,
  ];
  const configuration = join(folder, "mosquitto.conf");
  writeFileSync(
    configuration,
    [
      "per_listener_settings true",
      "log_dest stderr",
      "log_type all",
      "persistence true",
      `persistence_location ${data}/`,
      "autosave_interval 1",
      "autosave_on_changes true",
      "set_tcp_nodelay true",
      ...(process.getuid?.() === 0 ? ["user root"] : []), // it would step down and not read its files
      ...(options.extra ?? []),
      ...passwordListener(plain),
      ...passwordListener(tls),
      ...secure,
      `listener ${mutual} 127.0.0.1`,
      "socket_domain ipv4",
      "allow_anonymous false",
      `acl_file ${acl}`,
      "require_certificate true",
      "use_identity_as_username true",
      ...secure,
      ...passwordListener(websocket),
      "protocol websockets",
      ...passwordListener(secureWebsocket),
      "protocol websockets",
      ...secure,
      `listener ${open} 127.0.0.1`,
      "socket_domain ipv4",
      "allow_anonymous true",
      `listener ${openTls} 127.0.0.1`,
      "socket_domain ipv4",
      "allow_anonymous true",
      ...secure,
      "",
    ].join("\n"),
  );

  let log = "";
  let child: ChildProcess | undefined;
  const stop = async (signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> => {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const ended = once(ending, "exit");
    ending.kill(signal);
    await within(STOP_LIMIT_MS, () => `mosquitto ends after ${signal}`, ended);
  };
  const start = async (): Promise<void> => {
    const starting = spawn("mosquitto", ["-c", configuration], {
      env: environment,
      stdio: ["ignore", "ignore", "pipe"],
    });
    child = starting;
    starting.stderr.on("data", (chunk: Buffer) => {
      log += chunk.toString();
    });
    const deadline = performance.now() + START_LIMIT_MS;
    while (
      !(
        await Promise.all([plain, tls, mutual, websocket, secureWebsocket, open, openTls].map(answers))
      ).every(Boolean)
    ) {
      if (starting.exitCode !== null) throw new Error(`mosquitto ended with ${starting.exitCode}:\n${log}`);
      if (performance.now() > deadline) {
        starting.kill("SIGKILL");
        throw new Error(`mosquitto does not listen:\n${log}`);
      }
      await sleep(20);
    }
  };

  await start();
  return {
    plain: `mqtt://127.0.0.1:${plain}`,
    tls: `mqtts://127.0.0.1:${tls}`,
    mutual: `mqtts://127.0.0.1:${mutual}`,
    websocket: `ws://127.0.0.1:${websocket}/mqtt`,
    secureWebsocket: `wss://127.0.0.1:${secureWebsocket}/mqtt`,
    open: `mqtt://127.0.0.1:${open}`,
    openTls: `mqtts://127.0.0.1:${openTls}`,
    log: () => log,
    start,
    stop,
    forget: () => rmSync(join(data, "mosquitto.db"), { force: true }),
    [Symbol.asyncDispose]: () => stop("SIGKILL"),
  };
};
