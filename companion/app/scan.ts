/** Reads a QR code out of what a video shows now; null when there is none. */
export type Reader = (video: HTMLVideoElement) => Promise<string | null>;

/** Shape Detection API, where the browser has it (Chrome on Android does). */
interface Detector {
  detect(source: HTMLVideoElement): Promise<readonly { readonly rawValue: string }[]>;
}
declare const BarcodeDetector:
  | {
      new (options: { readonly formats: readonly string[] }): Detector;
      getSupportedFormats(): Promise<readonly string[]>;
    }
  | undefined;

/** Longest side of the picture that is searched, in pixels. */
const LONGEST = 720;

/** The browser's own reader, or a library that is loaded now. */
export const openReader = async (): Promise<Reader> => {
  if (typeof BarcodeDetector !== "undefined") {
    const formats = await BarcodeDetector.getSupportedFormats().catch((): readonly string[] => []);
    if (formats.includes("qr_code")) {
      const detector = new BarcodeDetector({ formats: ["qr_code"] });
      return async (video) => (await detector.detect(video))[0]?.rawValue ?? null;
    }
  }
  const { default: library } = await import("jsqr");
  const jsqr = library.default;
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return async (video) => {
    const scale = Math.min(1, LONGEST / Math.max(video.videoWidth, video.videoHeight, 1));
    const width = Math.round(video.videoWidth * scale);
    const height = Math.round(video.videoHeight * scale);
    if (context === null || width === 0 || height === 0) return null;
    canvas.width = width;
    canvas.height = height;
    context.drawImage(video, 0, 0, width, height);
    const { data } = context.getImageData(0, 0, width, height);
    return jsqr(data, width, height, { inversionAttempts: "attemptBoth" })?.data ?? null;
  };
};
