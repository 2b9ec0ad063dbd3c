import type { Readable } from "node:stream";

/**
 * Watches the MQTT frames on a stream and calls `tooLarge` once when one announces more than `limit` bytes. Only
 * MQTT 5 lets a client tell the broker its limit; without this, one packet could fill a small board's memory.
 * Returns the way to stop watching.
 */
export const guardFrames = (stream: Readable, limit: number, tooLarge: () => void): (() => void) => {
  const check = frameCheck(limit);
  const onData = (chunk: Uint8Array): void => {
    if (check(chunk)) return;
    stop();
    tooLarge();
  };
  const stop = (): void => {
    stream.removeListener("data", onData);
  };
  // Through newListener a "data" listener would start the flow before MQTT.js is there to read: pause it again.
  stream.on("data", onData);
  stream.pause();
  return stop;
};

/**
 * A function that takes the stream's chunks in order and says whether all frames so far are within `limit` bytes
 * of remaining length (MQTT 5 section 2.1.4: up to four bytes of seven bits, least significant first).
 */
export const frameCheck = (limit: number): ((chunk: Uint8Array) => boolean) => {
  let body = 0;
  let length = 0;
  let lengthBytes = -1;
  return (chunk) => {
    for (let at = 0; at < chunk.length; ) {
      if (body > 0) {
        const skipped = Math.min(body, chunk.length - at);
        body -= skipped;
        at += skipped;
        continue;
      }
      const byte = chunk[at++] ?? 0;
      if (lengthBytes < 0) {
        [length, lengthBytes] = [0, 0];
        continue;
      }
      length += (byte & 0x7f) * 128 ** lengthBytes++;
      if (length > limit || lengthBytes > 4) return false;
      if ((byte & 0x80) === 0) [body, lengthBytes] = [length, -1];
    }
    return true;
  };
};
