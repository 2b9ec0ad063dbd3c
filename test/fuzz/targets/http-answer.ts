import type { HttpResponse } from "../../../src/ports.ts";

/** An answer as an input has it: the status, headers a line, an empty line, the body. */
export const answerOf = (input: Buffer): HttpResponse => {
  const text = input.toString("utf8");
  const end = text.indexOf("\n\n");
  const [status = "", ...lines] = (end < 0 ? text.slice(0, 3) : text.slice(0, end)).split("\n");
  const headers = Object.fromEntries(
    lines.map((line) => {
      const [name = "", ...rest] = line.split(":");
      return [name.trim().toLowerCase(), rest.join(":").trim()];
    }),
  );
  return {
    status: Number.parseInt(status, 10) || 200,
    headers,
    body: end < 0 ? text.slice(3) : text.slice(end + 2),
  };
};

export const answer = (status: number, body: unknown, ...headers: readonly string[]): string =>
  [String(status), ...headers, "", typeof body === "string" ? body : JSON.stringify(body)].join("\n");
