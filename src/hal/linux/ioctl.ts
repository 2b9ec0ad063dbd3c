import { LibcError, libc } from "./libc.ts";

const call = (fd: number, request: number, argument: bigint): number => {
  const { ioctl: ask, errno } = libc();
  const answer = Number(ask(fd, BigInt(request), argument));
  if (answer < 0) throw new LibcError(`ioctl 0x${request.toString(16)}`, errno());
  return answer;
};

/**
 * ioctl(2) with an argument in memory, which the kernel reads and may write to. Returns what the call returned, 0 or
 * more. Throws LibcError with the errno's name as `code`, such as EBUSY or ENOTTY.
 */
export const ioctl = (fd: number, request: number, argument: Uint8Array): number =>
  call(fd, request, libc().ffi.getRawPointer(argument));

/** ioctl(2) with a number as its argument. Throws LibcError. */
export const ioctlValue = (fd: number, request: number, value: number): void => {
  call(fd, request, BigInt(value));
};
