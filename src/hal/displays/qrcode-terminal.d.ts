/** The encoder inside qrcode-terminal: ISO/IEC 18004 byte mode, by Kazuhiko Arase. */
declare module "qrcode-terminal/vendor/QRCode/index.js" {
  /** `version` -1 takes the smallest that fits; `errorCorrection` is the indicator of ISO/IEC 18004: 0 is M, 1 is L. */
  export default class QRCode {
    constructor(version: number, errorCorrection: 0 | 1);
    /** One character per byte: only the low eight bits of each are taken. */
    addData(bytes: string): void;
    /** Throws when the data does not fit even the largest version. */
    make(): void;
    getModuleCount(): number;
    isDark(row: number, column: number): boolean;
  }
}
