import { LibcError, libc } from "./libc.ts";

/**
 * ioctl(2) with an argument in memory, which the kernel reads and may write to. Returns what the call returned, 0 or
 * more. Throws LibcError with the errno's name as `code`, such as EBUSY or ENOTTY.
 */
export const ioctl = (fd: number, request: number, argument: Uint8Array): number => {
  const { ffi, ioctl: call, errno } = libc();
  const answer = Number(call(fd, BigInt(request), ffi.getRawPointer(argument)));
  if (answer < 0) throw new LibcError(`ioctl 0x${request.toString(16)}`, errno());
  return answer;
};
