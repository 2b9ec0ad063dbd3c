// Bluetooth on the emulated board: Debian's bluetoothd, two adapters that share one virtual air, and a bulb on the second.

import type { Board } from "./board.ts";
import { boardProgram } from "./program.ts";

/** The bulb's program, to be put on the board as `bulbPath`. */
export const bulbProgram = (): Promise<Uint8Array> => boardProgram("bulb.ts");

/** Address of the board's own adapter, hci0. */
const boardAddress = "00:AA:01:00:00:00";

export const bulbPath = "opt/porchlight/bulb.mjs";

/** Starts the message bus, the virtual air with two adapters for Bluetooth LE, and bluetoothd. */
export const startBluetooth = async (board: Board): Promise<void> => {
  const modules =
    "algif_skcipher algif_hash ecb cbc cmac ccm ctr drbg jitterentropy_rng hmac sha256_generic sha512_generic aes_generic ecdh_generic bluetooth hci_vhci";
  await board.shell(
    `for module in ${modules}; do modprobe $module || exit 1; done
     mkdir -p /run/dbus /var/lib/bluetooth
     dbus-uuidgen --ensure
     dbus-daemon --system --fork --nopidfile
     btvirt -l2 -L >/run/btvirt.log 2>&1 &
     for try in $(seq 100); do [ -d /sys/class/bluetooth/hci1 ] && break; sleep 0.1; done`,
  );
  await startDaemon(board);
};

/** Starts bluetoothd, or starts it again. */
export const startDaemon = async (board: Board): Promise<void> => {
  await board.shell("(/usr/libexec/bluetooth/bluetoothd -n >/run/bluetoothd.log 2>&1 &)");
  await board.until("bluetoothd", async () =>
    (await board.shell("bluetoothctl list || true")).includes(boardAddress),
  );
};

/**
 * A shell command while which the bulb says a few times a second that it is there. Real ones do so of themselves, but this air
 * passes on one advertisement for each discovery, at its very beginning, when a slow kernel does not listen to it yet.
 */
export const whileBulbAdvertises = (command: string): string =>
  `(while sleep 0.4; do kill -USR2 $(cat /run/bulb.pid); done) & says=$!
   ${command}
   code=$?; kill $says; (exit $code)`;

/** The bulb, as its own program tells it. */
export interface Bulb {
  readonly address: string;
  /** What it shows: on or off, and red, green, blue and white as bytes. */
  showing(): Promise<{ readonly on: boolean; readonly levels: readonly number[] } | undefined>;
  /** All that happened to it, oldest first. */
  events(): Promise<readonly Record<string, unknown>[]>;
  /** Cuts its connection, as when somebody walks between. */
  drop(): Promise<void>;
  /** Presses the key of its own remote, which switches it off or on. */
  remote(): Promise<void>;
  /** Ends the bulb; another can be started. */
  unplug(): Promise<void>;
}

/** Plugs a bulb in. `secure`: it takes writes from a paired board only. */
export const startBulb = async (board: Board, kind: "open" | "secure"): Promise<Bulb> => {
  await board.shell(
    `: > /run/bulb; (node /${bulbPath} hci1 ${kind} >/run/bulb 2>&1 & echo $! >/run/bulb.pid)`,
  );
  const events = async (): Promise<readonly Record<string, unknown>[]> =>
    (await board.shell("cat /run/bulb")).split("\n").flatMap((line) => {
      if (!line.startsWith("{")) return [];
      const event: Record<string, unknown> = JSON.parse(line);
      return [event];
    });
  const ready = await board.until("the bulb", async () => (await events()).find(({ ready }) => ready));
  return {
    address: String(ready.ready),
    events,
    async showing() {
      const last = (await events()).findLast(({ showing }) => showing !== undefined);
      return last?.showing as Awaited<ReturnType<Bulb["showing"]>>;
    },
    async drop() {
      await board.shell(`btmgmt -i hci1 disconnect -t 1 ${boardAddress}`);
    },
    async remote() {
      await board.shell("kill -USR1 $(cat /run/bulb.pid)");
    },
    async unplug() {
      await board.shell("pid=$(cat /run/bulb.pid); kill $pid; while [ -d /proc/$pid ]; do sleep 0.1; done");
    },
  };
};
