import type { QrMatrix } from "./qr.ts";

/** Light modules that must be on every side of a QR code (ISO/IEC 18004, section 9.1). */
export const QUIET_ZONE = 4;

/** The code with its quiet zone, as a larger matrix: what a display has to draw. */
export const withQuietZone = (code: QrMatrix, modules: number = QUIET_ZONE): QrMatrix => ({
  size: code.size + 2 * modules,
  get: (x, y) => code.get(x - modules, y - modules),
});
