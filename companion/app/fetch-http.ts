import type { OrgHttp } from "../core/http.ts";
import { Trouble } from "../core/trouble.ts";

const PATIENCE_MS = 20_000;
const MAX_BODY = 256 * 1024;

/** Asks the org with the browser's `fetch`: without cookies, without following redirects. */
export const fetchHttp: OrgHttp = async ({ method, url, headers, body }, signal) => {
  try {
    const response = await fetch(url, {
      method,
      headers: headers ?? {},
      body: body ?? null,
      credentials: "omit",
      redirect: "error",
      referrerPolicy: "no-referrer",
      cache: "no-store",
      signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
    });
    return { status: response.status, body: await bodyOf(response) };
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof Trouble ? error : new Trouble("ORG_UNREACHABLE", String(error));
  }
};

const bodyOf = async (response: Response): Promise<string> => {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const part = await reader?.read();
    if (part?.value === undefined) return text + decoder.decode();
    bytes += part.value.byteLength;
    if (bytes > MAX_BODY) {
      await reader?.cancel();
      throw new Trouble("ORG_ANSWER", "the org's answer is too large");
    }
    text += decoder.decode(part.value, { stream: true });
  }
};
