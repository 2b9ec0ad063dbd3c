// A file descriptor that wakes the event loop when it is ready: uv_poll of libuv, the way sockets do it.
// A device file has no stream of Node's own, and a blocking read would hold one of its four threads for ever.

import { LibcError, libc } from "./libc.ts";

// include/uv.h of libuv 1.x: UV_POLL of uv_handle_type, UV_READABLE and UV_WRITABLE of uv_poll_event
const UV_POLL = 8;
const UV_READABLE = 1;
const UV_WRITABLE = 2;

/** Handles whose memory libuv may still look at until it has closed them. */
const closing = new Set<Buffer>();

/** The same for a descriptor that takes more bytes again. Not for one that is watched for reading as well. */
export const whenWritable = (fd: number, listener: () => void): Disposable =>
  whenReady(fd, UV_WRITABLE, listener);

/**
 * Calls `listener` whenever `fd` is readable, until disposed. `fd` becomes non-blocking; read until EAGAIN, and close it
 * only after disposing. Keeps the process alive meanwhile. Throws LibcError for what cannot be polled, such as a plain file.
 */
export const whenReadable = (fd: number, listener: () => void): Disposable =>
  whenReady(fd, UV_READABLE, listener);

const whenReady = (fd: number, event: number, listener: () => void): Disposable => {
  const { ffi, library } = libc();
  const size = library.getFunction("uv_handle_size", { arguments: ["i32"], return: "u64" });
  const init = library.getFunction("uv_poll_init", {
    arguments: ["pointer", "pointer", "i32"],
    return: "i32",
  });
  const start = library.getFunction("uv_poll_start", {
    arguments: ["pointer", "i32", "pointer"],
    return: "i32",
  });
  const close = library.getFunction("uv_close", { arguments: ["pointer", "pointer"], return: "void" });
  const handle = Buffer.alloc(Number(size(UV_POLL)));
  const address = ffi.getRawPointer(handle);
  let disposed = false;
  let told = false;
  // Called by libuv itself, outside of any JavaScript: only takes note, and lets Node call the listener.
  const callback = library.registerCallback({ arguments: ["pointer", "i32", "i32"], return: "void" }, () => {
    if (told) return;
    told = true;
    setImmediate(() => {
      told = false;
      if (!disposed) listener();
    });
  });
  const check = (call: string, answer: unknown): void => {
    if (Number(answer) === 0) return;
    library.unregisterCallback(callback);
    throw new LibcError(call, -Number(answer));
  };
  check("uv_poll_init", init(ffi.getCurrentEventLoop(), address, fd));
  check("uv_poll_start", start(address, event, callback));
  return {
    [Symbol.dispose]() {
      if (disposed) return;
      disposed = true;
      closing.add(handle);
      close(address, 0n);
      // libuv closes at the end of a turn of the loop; the second immediate is surely in a later one.
      setImmediate(() =>
        setImmediate(() => {
          closing.delete(handle);
          library.unregisterCallback(callback);
        }),
      );
    },
  };
};
