import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";

interface Page {
  readonly url: string;
  readonly status: number;
  readonly html: string;
}

interface Form {
  readonly action: string;
  readonly fields: URLSearchParams;
}

const MOST_PAGES = 20;

const attribute = (tag: string, name: string): string | undefined => {
  const match = new RegExp(`\\s${name}="([^"]*)"`, "i").exec(tag);
  return match?.[1]?.replaceAll("&amp;", "&").replaceAll("&#x2F;", "/").replaceAll("&quot;", '"');
};

/** The page's form with the values that are in it, or undefined. */
const formOf = ({ html, url }: Page): Form | undefined => {
  const tag = /<form\b[^>]*>/i.exec(html)?.[0];
  if (tag === undefined) return undefined;
  const fields = new URLSearchParams();
  for (const [input] of html.matchAll(/<input\b[^>]*>/gi)) {
    const name = attribute(input, "name");
    if (name !== undefined) fields.set(name, attribute(input, "value") ?? "");
  }
  return { action: new URL(attribute(tag, "action") ?? url, url).href, fields };
};

/** A browser without scripts: cookies, redirects, one page at a time. */
const createBrowser = (
  ca: string | undefined,
  callback?: string,
): ((url: string, form?: URLSearchParams) => Promise<Page>) => {
  const cookies = new Map<string, string>();
  const once = (
    url: string,
    form: URLSearchParams | undefined,
  ): Promise<Page & { location: string | undefined }> =>
    new Promise((resolve, reject) => {
      const send = url.startsWith("https:") ? httpsRequest : httpRequest;
      const request = send(
        url,
        {
          ...(ca === undefined ? {} : { ca }),
          agent: false,
          method: form ? "POST" : "GET",
          headers: {
            accept: "text/html",
            cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; "),
            ...(form ? { "content-type": "application/x-www-form-urlencoded" } : {}),
          },
        },
        (response) => {
          for (const line of response.headers["set-cookie"] ?? []) {
            const [pair = ""] = line.split(";");
            const split = pair.indexOf("=");
            const [name, value] = [pair.slice(0, split), pair.slice(split + 1)];
            if (value === "") cookies.delete(name);
            else cookies.set(name, value);
          }
          let html = "";
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => {
            html += chunk;
          });
          response.on("error", reject);
          response.on("end", () =>
            resolve({ url, status: response.statusCode ?? 0, html, location: response.headers.location }),
          );
        },
      );
      request.on("error", reject);
      request.end(form?.toString());
    });
  return async (url, form) => {
    let answer = await once(url, form);
    for (let hops = 0; answer.location !== undefined; hops++) {
      if (callback !== undefined && answer.location.startsWith(callback))
        return { url: answer.location, status: answer.status, html: "" };
      if (hops > MOST_PAGES) throw new Error(`redirected for ever, last to ${answer.location}`);
      answer = await once(new URL(answer.location, answer.url).href, undefined);
    }
    return answer;
  };
};

/** What the person saw. */
export interface Visit {
  /** The last page's status and text. */
  readonly status: number;
  readonly lastPage: string;
  /** Whether some page showed the code, for comparing it with the display. */
  readonly sawCode: boolean;
}

/**
 * Opens the link from the display and goes through the pages as somebody called `login` would: signs in, consents,
 * and confirms the code, or aborts where it is shown. Works by the forms that it finds, not by known addresses.
 */
export const visit = async (
  link: string,
  does: "approves" | "denies",
  options: { userCode: string; login?: string; ca?: string },
): Promise<Visit> => {
  const browse = createBrowser(options.ca);
  let page = await browse(link);
  let sawCode = false;
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    const confirming = page.html.includes(`<code>${options.userCode}</code>`);
    sawCode ||= confirming;
    const form = formOf(page);
    if (form === undefined) break;
    if (form.fields.has("login")) form.fields.set("login", options.login ?? "robin");
    if (form.fields.has("password")) form.fields.set("password", "correct horse");
    const denying = confirming && does === "denies";
    if (denying) form.fields.set("abort", "yes");
    page = await browse(form.action, form.fields);
    if (denying) break;
  }
  return { status: page.status, lastPage: page.html, sawCode };
};

/** Signs in at the page of an authorize request as somebody called `login`; gives where the browser is sent back to. */
export const signInTo = async (link: string, callback: string, login: string): Promise<URL> => {
  const browse = createBrowser(undefined, callback);
  let page = await browse(link);
  for (let pages = 0; pages < MOST_PAGES && !page.url.startsWith(callback); pages++) {
    const form = formOf(page);
    if (form === undefined) throw new Error(`no way on from this page:\n${page.html}`);
    if (form.fields.has("login")) form.fields.set("login", login);
    if (form.fields.has("password")) form.fields.set("password", "correct horse");
    page = await browse(form.action, form.fields);
  }
  return new URL(page.url);
};
