import { useEffect, useRef, useState } from "preact/hooks";
import { openReader } from "../scan.ts";

const EVERY_MS = 180;

/** The camera, until `onText` is content with what it sees. */
export const Scanner = (props: {
  readonly onText: (text: string) => boolean;
  readonly onClose: () => void;
}) => {
  const video = useRef<HTMLVideoElement>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const { onText } = props;
  const take = useRef(onText);
  take.current = onText;
  useEffect(() => {
    const over = new AbortController();
    const watch = async (element: HTMLVideoElement): Promise<void> => {
      const stream = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: "environment", width: { ideal: 1280 } },
        audio: false,
      });
      over.signal.addEventListener("abort", () => {
        for (const track of stream.getTracks()) track.stop();
      });
      if (over.signal.aborted) for (const track of stream.getTracks()) track.stop();
      element.srcObject = stream;
      await element.play();
      const read = await openReader();
      while (!over.signal.aborted) {
        const text = await read(element);
        if (text !== null && !over.signal.aborted && take.current(text)) return;
        await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
      }
    };
    if (video.current !== null)
      watch(video.current).catch(() => {
        if (!over.signal.aborted)
          setWrong("The camera cannot be used. Allow it in the browser's settings, or type the code below.");
      });
    return () => over.abort();
  }, []);
  return (
    <div class="scanner">
      {wrong === null ? (
        <video ref={video} playsInline muted aria-label="What the camera sees" />
      ) : (
        <p role="alert">{wrong}</p>
      )}
      <button type="button" class="secondary" onClick={props.onClose}>
        Close the camera
      </button>
    </div>
  );
};
