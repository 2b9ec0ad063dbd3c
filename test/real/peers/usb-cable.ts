// A USB cable between this host and the simulated Arduino: a serial port of the kernel (a pseudo terminal), with a link to
// it by an id that stays, as udev makes them in /dev/serial/by-id.

import { mkdtempSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { openPty } from "../../unit/hal/pty.ts";

export interface Cable extends AsyncDisposable {
  /** The link that stays. */
  readonly id: string;
  /** The port's device file, with its number. */
  readonly port: string;
  pull(): Promise<void>;
}

/** Plugs a cable in, to the Arduino on that TCP port; as `before` comes back, it has its id and another number. */
export const plugCable = async (tcpPort: number, before?: Cable): Promise<Cable> => {
  // The one place below /dev where everybody may make files.
  const id = before?.id ?? join(mkdtempSync("/dev/shm/porchlight-"), "usb-Arduino_Uno-if00");
  let pty = openPty();
  if (pty.path === before?.port) {
    using _sameNumber = pty;
    pty = openPty();
  }
  const socket = connect(tcpPort, "127.0.0.1");
  socket.setNoDelay(true);
  socket.on("data", (bytes) => pty.write(Buffer.from(bytes)));
  socket.on("error", () => undefined);
  pty.listen((bytes) => socket.write(bytes));
  symlinkSync(pty.path, id);
  let pulled = false;
  const pull = async (): Promise<void> => {
    if (pulled) return;
    pulled = true;
    rmSync(id);
    pty[Symbol.dispose]();
    socket.destroy();
  };
  return {
    id,
    port: readlinkSync(id),
    pull,
    async [Symbol.asyncDispose]() {
      await pull();
      rmSync(dirname(id), { recursive: true, force: true });
    },
  };
};
