import type { Http } from "../src/ports.ts";
import { type FormButton, type PageForm, readForms, readText } from "./person-forms.ts";

/** A page as the browser shows it. */
export interface Page {
  readonly url: URL;
  readonly status: number;
  /** What a reader sees. */
  readonly text: string;
  readonly forms: readonly PageForm[];
}

export interface Browser {
  /** Opens an address, following redirects. */
  open(address: string, signal: AbortSignal): Promise<Page>;
  /** Presses a button of a form, with some of its fields filled in anew. */
  submit(
    page: Page,
    form: PageForm,
    filled: Readonly<Record<string, string>>,
    button: FormButton | undefined,
    signal: AbortSignal,
  ): Promise<Page>;
}

const REDIRECTS = 10;

/**
 * A browser without scripts: cookies, redirects, forms. A redirect to an address that starts with `stopAt` is not
 * followed but shown as an empty page: that is where the phone's own app takes over.
 */
export const createBrowser = (options: {
  readonly http: Http;
  readonly party: "phone" | "person";
  readonly stopAt?: string;
}): Browser => {
  const cookies = new Map<string, string>();

  const load = async (
    first: { readonly method: "GET" | "POST"; readonly url: URL; readonly body: string | null },
    signal: AbortSignal,
  ): Promise<Page> => {
    let { method, url, body } = first;
    for (let hop = 0; hop <= REDIRECTS; hop++) {
      const response = await options.http(
        {
          method,
          url: url.href,
          headers: {
            accept: "text/html",
            "x-porchlight-sim-party": options.party,
            ...(cookies.size === 0
              ? {}
              : { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") }),
            ...(body === null
              ? {}
              : { "content-type": "application/x-www-form-urlencoded", origin: url.origin }),
          },
          ...(body === null ? {} : { body }),
        },
        signal,
      );
      keepCookies(cookies, response.headers["set-cookie"]);
      const location = response.headers.location;
      if (response.status < 300 || response.status >= 400 || location === undefined)
        return {
          url,
          status: response.status,
          text: readText(response.body),
          forms: readForms(response.body),
        };
      url = new URL(location, url);
      if (options.stopAt !== undefined && url.href.startsWith(options.stopAt))
        return { url, status: response.status, text: "", forms: [] };
      method = "GET";
      body = null;
    }
    throw new Error(`the pages send the browser round in circles, last to ${url.origin}${url.pathname}`);
  };

  return {
    open: (address, signal) => load({ method: "GET", url: new URL(address), body: null }, signal),
    submit(page, form, filled, button, signal) {
      const sent = new URLSearchParams();
      for (const { name, value } of form.fields) sent.append(name, filled[name] ?? value);
      for (const [name, value] of Object.entries(filled)) if (!sent.has(name)) sent.append(name, value);
      if (button?.name != null) sent.append(button.name, button.value);
      const url = new URL(form.action, page.url);
      if (form.method === "POST") return load({ method: "POST", url, body: sent.toString() }, signal);
      url.search = sent.toString();
      return load({ method: "GET", url, body: null }, signal);
    },
  };
};

/** Keeps name and value; the simulated org's cookies last as long as this browser. */
const keepCookies = (cookies: Map<string, string>, header: string | undefined): void => {
  // Several cookies come joined with ", "; a comma inside Expires is followed by a date, not by name=.
  for (const cookie of header?.split(/,\s*(?=[^;,\s]+=)/) ?? []) {
    const [pair = ""] = cookie.split(";");
    const at = pair.indexOf("=");
    if (at <= 0) continue;
    const name = pair.slice(0, at).trim();
    const value = pair.slice(at + 1).trim();
    if (value === "" || /max-age=0/i.test(cookie)) cookies.delete(name);
    else cookies.set(name, value);
  }
};
