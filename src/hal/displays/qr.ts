/** The modules of a QR code, without its quiet zone. */
export interface QrMatrix {
  /** Modules along each side. */
  readonly size: number;
  /** True for a dark module; x to the right, y down, both 0 .. size - 1. Outside, everything is light. */
  get(x: number, y: number): boolean;
}

/** Indicators of ISO/IEC 18004: M mends 15 % of the code, L 7 %. */
const CORRECTION_M = 0;
const CORRECTION_L = 1;

/** What the largest code (version 40) holds in byte mode. */
const MOST_BYTES_M = 2331;
const MOST_BYTES_L = 2953;

/**
 * The QR code of a text, as UTF-8, in the smallest version that fits, with error correction M (L for a text too long
 * for M). Null for a text longer than 2953 bytes: no QR code holds it. Loads the encoder when first called.
 */
export const qrMatrix = async (text: string): Promise<QrMatrix | null> => {
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length > MOST_BYTES_L) return null;
  const { default: QRCode } = await import("qrcode-terminal/vendor/QRCode/index.js");
  const code = new QRCode(-1, bytes.length > MOST_BYTES_M ? CORRECTION_L : CORRECTION_M);
  code.addData(bytes.toString("latin1"));
  code.make();
  const size = code.getModuleCount();
  const inside = (at: number): boolean => at >= 0 && at < size;
  return { size, get: (x, y) => inside(x) && inside(y) && code.isDark(y, x) };
};
