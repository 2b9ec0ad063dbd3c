import QRCode from "qrcode-terminal/vendor/QRCode/index.js";

/** Indicator of ISO/IEC 18004: M mends 15 % of the code. */
const CORRECTION_M = 0;

/** A link as the path of an SVG with one unit for each module, without a quiet zone. */
export const qrPath = (text: string): { readonly size: number; readonly path: string } => {
  const code = new QRCode(-1, CORRECTION_M);
  code.addData(text);
  code.make();
  const size = code.getModuleCount();
  let path = "";
  for (let row = 0; row < size; row++)
    for (let column = 0; column < size; column++)
      if (code.isDark(row, column)) path += `M${column} ${row}h1v1h-1z`;
  return { size, path };
};
