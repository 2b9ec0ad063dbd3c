import type { Party } from "../wire.ts";

/** One HTTP request as the org sees it, free of any transport. `url` may be absolute or begin with "/". */
export interface OrgRequest {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** One HTTP answer. Header names are lower case. */
export interface OrgResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A request read once: path, query and form taken apart, header names in lower case. */
export interface Asked {
  readonly method: string;
  /** Host and port that it was sent to. */
  readonly host: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** The body's fields, from form encoding or multipart; empty for other bodies. */
  readonly form: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** An answer and what it means, for the sequence diagram. */
export interface Reply extends OrgResponse {
  /** One sentence for somebody new to all this. */
  readonly says: string;
  /** What the arrow is called behind the status: an error code, `tokens`, a page's name. */
  readonly title: string;
  /** Fields worth reading; secrets are shortened by whoever records them. */
  readonly fields?: readonly (readonly [name: string, value: string])[];
  /** Who asked, where only the handler can know (by the token's client). */
  readonly party?: Party;
}

/** Why there is no answer at all. */
export type Silence = "unreachable" | "timeout" | "lost";

/**
 * Thrown instead of an answer: the org is offline (`unreachable`), never answers (`timeout`), or has done the work
 * and the answer was lost on its way (`lost`). `code` is the name that HTTP clients of this project use for it.
 */
export class NoAnswer extends Error {
  readonly kind: Silence;
  readonly code: "ORG_UNREACHABLE" | "ORG_TIMEOUT";
  constructor(kind: Silence) {
    super(`the simulated org gives no answer: ${kind}`);
    this.name = "NoAnswer";
    this.kind = kind;
    this.code = kind === "timeout" ? "ORG_TIMEOUT" : "ORG_UNREACHABLE";
  }
}

/** An OAuth error (RFC 6749 section 5.2), turned into an answer in the format the client wants. */
export class Refusal extends Error {
  readonly error: string;
  readonly description: string;
  readonly says: string;
  readonly status: number;
  constructor(error: string, description: string, says: string, status = 400) {
    super(`${error}: ${description}`);
    this.name = "Refusal";
    this.error = error;
    this.description = description;
    this.says = says;
    this.status = status;
  }
}

const quiet = { "cache-control": "no-cache, no-store", pragma: "no-cache" };

/** A JSON answer. */
export const json = (status: number, value: unknown, title: string, says: string): Reply => ({
  status,
  headers: { "content-type": "application/json;charset=UTF-8", ...quiet },
  body: JSON.stringify(value),
  title,
  says,
});

/** An answer of plain text. */
export const text = (status: number, body: string, title: string, says: string): Reply => ({
  status,
  headers: { "content-type": "text/plain;charset=UTF-8", ...quiet },
  body,
  title,
  says,
});

/** A "see other" redirect (RFC 9110 section 15.4.4), after a form or into the sign-in. */
export const redirect = (location: string, title: string, says: string): Reply => ({
  status: 303,
  headers: { location, ...quiet },
  body: "",
  title,
  says,
});

/** How the token endpoint may be asked to answer: parameter `format`. */
export type Format = "json" | "urlencoded" | "xml";

const xmlEscaped = (value: string): string =>
  value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** The token endpoint's fields in the asked format; JSON unless asked otherwise. */
export const formatted = (
  status: number,
  fields: Readonly<Record<string, string | number>>,
  format: Format,
): OrgResponse => {
  const entries = Object.entries(fields).map(([name, value]): [string, string] => [name, String(value)]);
  switch (format) {
    case "json":
      return {
        status,
        headers: { "content-type": "application/json;charset=UTF-8", ...quiet },
        body: JSON.stringify(fields),
      };
    case "urlencoded":
      return {
        status,
        headers: { "content-type": "application/x-www-form-urlencoded;charset=UTF-8", ...quiet },
        body: new URLSearchParams(entries).toString(),
      };
    case "xml": {
      const inner = entries.map(([name, value]) => `<${name}>${xmlEscaped(value)}</${name}>`).join("");
      return {
        status,
        headers: { "content-type": "application/xml;charset=UTF-8", ...quiet },
        body: `<?xml version="1.0" encoding="UTF-8"?><OAuth>${inner}</OAuth>`,
      };
    }
  }
};

/** The `format` parameter; anything unknown is JSON, as at the real thing. */
export const formatOf = (form: URLSearchParams): Format => {
  const format = form.get("format");
  return format === "urlencoded" || format === "xml" ? format : "json";
};

/** Fields of a multipart/form-data body (RFC 7578), text parts only: the vendor's own CLI sends it this way. */
const multipartFields = (body: string, boundary: string): URLSearchParams => {
  const fields = new URLSearchParams();
  for (const part of body.split(`--${boundary}`).slice(1, -1)) {
    const [head, ...rest] = part.split("\r\n\r\n");
    const name = /name="([^"]*)"/.exec(head ?? "")?.[1];
    if (name !== undefined) fields.append(name, rest.join("\r\n\r\n").replace(/\r\n$/, ""));
  }
  return fields;
};

/** Takes a request apart. `base` completes a URL that is only a path. */
export const readRequest = (request: OrgRequest, base: string): Asked => {
  const url = new URL(request.url, base);
  const headers = Object.fromEntries(
    Object.entries(request.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const body = request.body ?? "";
  const type = headers["content-type"] ?? "application/x-www-form-urlencoded";
  const boundary = /^multipart\/form-data;.*boundary="?([^";]+)"?/i.exec(type)?.[1];
  const isForm = /^application\/x-www-form-urlencoded/i.test(type);
  return {
    method: request.method.toUpperCase(),
    host: request.url.startsWith("/") ? (headers.host ?? url.host) : url.host,
    path: url.pathname.length > 1 ? url.pathname.replace(/\/+$/, "") : "/",
    query: url.searchParams,
    form:
      boundary !== undefined
        ? multipartFields(body, boundary)
        : new URLSearchParams(isForm ? body : undefined),
    headers,
    body,
  };
};
