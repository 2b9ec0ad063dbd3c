// A service manager's socket: receives what a program tells by sd_notify(3).

import { closeSync } from "node:fs";
import { libc } from "../../../src/hal/linux/libc.ts";

const MSG_DONTWAIT = 0x40;

/** Binds a datagram socket to `path`; one that begins with @ is abstract. */
export const listenForNotices = (path: string): { take(): string[] } & Disposable => {
  const { library, ffi } = libc();
  const socket = library.getFunction("socket", { arguments: ["i32", "i32", "i32"], return: "i32" });
  const bind = library.getFunction("bind", { arguments: ["i32", "u64", "u32"], return: "i32" });
  const recv = library.getFunction("recv", { arguments: ["i32", "u64", "u64", "i32"], return: "i64" });
  const fd = Number(socket(1, 2, 0));
  const name = Buffer.from(path.startsWith("@") ? `\0${path.slice(1)}` : `${path}\0`);
  const address = Buffer.concat([Buffer.from([1, 0]), name]);
  if (Number(bind(fd, ffi.getRawPointer(address), address.length)) !== 0)
    throw new Error(`cannot bind ${path}`);
  return {
    take() {
      const notices: string[] = [];
      const buffer = Buffer.alloc(4096);
      for (;;) {
        const bytes = Number(recv(fd, ffi.getRawPointer(buffer), BigInt(buffer.length), MSG_DONTWAIT));
        if (bytes < 0) return notices;
        notices.push(buffer.toString("utf8", 0, bytes));
      }
    },
    [Symbol.dispose]: () => closeSync(fd),
  };
};
