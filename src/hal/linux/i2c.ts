// I2C buses from user space: Documentation/i2c/dev-interface.rst of Linux.

import { closeSync, openSync, writeSync } from "node:fs";
import { ioctlValue } from "./ioctl.ts";

const I2C_SLAVE = 0x0703;

/** A device on a bus. */
export interface I2cDevice extends Disposable {
  /** One transfer. Throws errors with an errno's name as `code`: EREMOTEIO or ENXIO when nobody answers. */
  write(bytes: Uint8Array): void;
}

/** Opens the device with that 7-bit address; EBUSY when a driver of the kernel has it. */
export type OpenI2c = (path: string, address: number) => I2cDevice;

export const openI2c: OpenI2c = (path, address) => {
  const fd = openSync(path, "r+");
  try {
    ioctlValue(fd, I2C_SLAVE, address);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return {
    write: (bytes) => void writeSync(fd, bytes),
    [Symbol.dispose]: () => closeSync(fd),
  };
};
