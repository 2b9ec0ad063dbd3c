import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { allowAll } from "../firmware-sim/broker/access.ts";
import { SimulatedBroker } from "../firmware-sim/broker/broker.ts";
import { systemClock } from "../src/adapters/clock.ts";
import { makeCertificates } from "../test/real/peers/certificates.ts";
import { type Account, startMosquitto } from "../test/real/peers/mosquitto.ts";

export const deviceId = "bench-1";
const board: Account = { username: "board", password: "board" };
export const watcher: Account = { username: "watcher", password: "watcher" };

export interface BenchBroker extends AsyncDisposable {
  readonly name: string;
  readonly plain: string;
  /** With TLS and its own authority, where the broker has it. */
  readonly tls: { readonly url: string; readonly ca: string } | undefined;
}

/** A folder for the run, removed at its end. */
export const benchFolder = (): { readonly path: string } & Disposable => {
  const path = mkdtempSync(join(tmpdir(), "porchlight-bench-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
};

const mosquittoVersion = (): string | undefined => {
  try {
    const PATH = `${process.env.PATH}${delimiter}/usr/sbin`;
    execFileSync("mosquitto", ["-h"], { env: { ...process.env, PATH }, stdio: "pipe" });
    return "mosquitto";
  } catch (error) {
    // `mosquitto -h` prints its version and exits with 3.
    const text = error instanceof Error && "stdout" in error ? String(error.stdout) : "";
    return /mosquitto version (\S+)/.exec(text)?.[0];
  }
};

/** Mosquitto where it is installed, else the simulator's broker, in this process. */
export const startBroker = async (folder: string): Promise<BenchBroker> => {
  const name = mosquittoVersion();
  if (name === undefined) {
    const broker = new SimulatedBroker({ clock: systemClock, authenticate: allowAll });
    const { url, close } = await broker.listen();
    return { name: "the simulator's broker", plain: url, tls: undefined, [Symbol.asyncDispose]: close };
  }
  const certificates = makeCertificates(folder, deviceId);
  const broker = await startMosquitto({ folder, certificates, deviceId, board, phone: watcher });
  return {
    name,
    plain: broker.plain,
    tls: { url: broker.tls, ca: certificates.ca },
    [Symbol.asyncDispose]: () => broker.stop(),
  };
};

let boards = 0;

/** Writes the settings of a new board, with a state folder of its own; returns the file's path. */
export const newBoard = (
  folder: string,
  issuer: string,
  broker: { readonly url: string; readonly ca?: string },
): string => {
  const stateDir = join(folder, `state-${++boards}`);
  mkdirSync(stateDir, { mode: 0o700 });
  const file = join(folder, `settings-${boards}.json`);
  writeFileSync(
    file,
    JSON.stringify({
      device: { id: deviceId, name: "Bench", serial: "1" },
      org: { dialect: "rfc8628", url: issuer, clientId: "bench", scope: "openid offline_access" },
      assetToken: { mode: "self", audience: "https://broker.example" },
      broker: { ...broker, auth: "password", ...board },
      commands: { trust: "broker" },
      lights: [{ id: "main", name: "Porch", driver: "memory:", powerOn: "last" }],
      display: "none",
      state: { dir: stateDir },
    }),
  );
  return file;
};
