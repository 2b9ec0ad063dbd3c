// What a service manager is told (sd_notify(3)): readiness, a line of status, and that the program is alive. A datagram
// to the socket that $NOTIFY_SOCKET names; Node has no such sockets, so they are the C library's.

import { closeSync } from "node:fs";
import { LibcError, libc } from "../hal/linux/libc.ts";
import type { Clock, Display } from "../ports.ts";

type Env = Readonly<Record<string, string | undefined>>;

const AF_UNIX = 1;
// Linux for x86 and arm alike (bits/socket_type.h, bits/socket.h).
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** Bytes of `sun_path` (unix(7)). */
const MAX_PATH = 108;

/** `sockaddr_un` of a path; one that begins with @ is in the abstract name space. Undefined when it is none. */
const socketAddress = (path: string): Buffer | undefined => {
  const name = Buffer.from(path);
  const abstract = path.startsWith("@");
  if (!(abstract || path.startsWith("/")) || name.length >= MAX_PATH) return undefined;
  if (abstract) name[0] = 0;
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  return Buffer.concat(abstract ? [family, name] : [family, name, Buffer.alloc(1)]);
};

/** Sends one datagram to `path`. Throws LibcError. */
const send = (address: Buffer, text: string): void => {
  const { library, ffi, errno } = libc();
  const socket = library.getFunction("socket", { arguments: ["i32", "i32", "i32"], return: "i32" });
  const sendto = library.getFunction("sendto", {
    arguments: ["i32", "u64", "u64", "i32", "u64", "u32"],
    return: "i64",
  });
  const fd = Number(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (fd < 0) throw new LibcError("socket", errno());
  try {
    const body = Buffer.from(text);
    const sent = sendto(
      fd,
      ffi.getRawPointer(body),
      BigInt(body.length),
      MSG_DONTWAIT | MSG_NOSIGNAL,
      ffi.getRawPointer(address),
      address.length,
    );
    if (Number(sent) < 0) throw new LibcError("sendto", errno());
  } finally {
    closeSync(fd);
  }
};

/** The service manager that started this program. */
export interface ServiceManager extends AsyncDisposable {
  /** Shows `display`'s views as the service's status, too; the first one means that the service is ready. */
  readonly watch: (display: Display) => Display;
  /** The service has done what others wait for. */
  readonly ready: () => void;
}

/** How often the manager hears that the program is alive, within the time it gives: sd_watchdog_enabled(3) says half. */
const SHARE_OF_WATCHDOG = 1 / 3;

const NONE: ServiceManager = {
  watch: (display) => display,
  ready: () => undefined,
  async [Symbol.asyncDispose]() {},
};

/**
 * The manager that `env` names by $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID; one that does nothing when there is
 * none. With a watchdog it is told that the program is alive for as long as the event loop turns: when it hangs, the
 * manager ends and starts the program. `failed` hears the first message that could not be sent.
 */
export const openServiceManager = (
  env: Env,
  clock: Clock,
  failed: (error: unknown) => void,
): ServiceManager => {
  const address = socketAddress(env.NOTIFY_SOCKET ?? "");
  if (address === undefined) return NONE;
  let told = false;
  const tell = (text: string): void => {
    try {
      send(address, text);
    } catch (error) {
      if (!told) failed(error);
      told = true;
    }
  };
  const ended = new AbortController();
  const watchdogMs = Number(env.WATCHDOG_USEC ?? 0) / 1000;
  const mine = env.WATCHDOG_PID === undefined || Number(env.WATCHDOG_PID) === process.pid;
  const beat = async (): Promise<void> => {
    for (;;) {
      tell("WATCHDOG=1");
      await clock.sleep(watchdogMs * SHARE_OF_WATCHDOG, ended.signal);
    }
  };
  const beating = mine && watchdogMs > 0 ? beat().catch(() => undefined) : undefined;
  let ready = false;
  return {
    watch: (display) => ({
      show(view) {
        display.show(view);
        // One line: a line break would begin the next assignment.
        const status = (view.problem?.title ?? view.headline).replaceAll(/\s+/g, " ");
        tell(`${ready ? "" : "READY=1\n"}STATUS=${status}`);
        ready = true;
      },
      [Symbol.asyncDispose]: () => display[Symbol.asyncDispose](),
    }),
    ready: () => tell("READY=1"),
    async [Symbol.asyncDispose]() {
      tell("STOPPING=1");
      ended.abort();
      await beating;
    },
  };
};
