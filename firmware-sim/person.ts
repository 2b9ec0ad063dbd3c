import type { Http } from "../src/ports.ts";
import { createBrowser, type Page } from "./person-browser.ts";
import type { FormButton, PageForm } from "./person-forms.ts";
import type { Wire } from "./wire.ts";

export interface PersonOptions {
  readonly http: Http;
  readonly wire: Wire;
  readonly username: string;
  readonly password: string;
}

/** What came of it: the person's answer was taken, or what the page said instead. */
export type Answered =
  | { readonly kind: "done"; readonly page: Page }
  | { readonly kind: "refused"; readonly reason: string };

export interface Person {
  /** Opens the link from the display, signs in, compares the code with the display's, and says yes or no. */
  answerBoard(
    shown: { readonly link: string; readonly userCode: string },
    decision: "allow" | "deny",
    signal: AbortSignal,
  ): Promise<Answered>;
  /** Opens a link in a browser that reaches the board, signs in, says yes or no, and reads what the board's own page says. */
  followLink(link: string, decision: "allow" | "deny", signal: AbortSignal): Promise<Answered>;
  /** Signs in on the way to an app's callback address, and resolves with that address. */
  signInTo(authorizeUrl: string, callback: string, signal: AbortSignal): Promise<URL>;
}

/** More pages than this on the way, and something is wrong. */
const PAGES = 8;
const yes = /\b(allow|approve|yes|accept)\b/i;
const no = /\b(deny|decline|no|cancel|refuse)\b/i;

/** A person with a phone who reads the org's pages and fills in their forms, over real HTTP. */
export const createPerson = (options: PersonOptions): Person => {
  const { http, wire, username, password } = options;

  /** Walks through the pages: signs in where asked, presses on, and decides where there is a yes and a no. */
  const walk = async (
    browser: ReturnType<typeof createBrowser>,
    start: Page,
    decision: "allow" | "deny",
    compare: string | null,
    until: (page: Page) => boolean,
    signal: AbortSignal,
  ): Promise<{ page: Page; decided: boolean }> => {
    let page = start;
    let decided = false;
    for (let step = 0; step < PAGES && !until(page); step++) {
      const choice = choiceOf(page);
      if (decided && choice === undefined) return { page, decided };
      if (choice !== undefined) {
        if (compare !== null && !bare(page.text).includes(bare(compare)))
          throw new Error(`the page does not show the code ${compare} to compare`);
        const button = decision === "allow" ? choice.yes : choice.no;
        wire.record({
          from: "person",
          to: "phone",
          kind: "person",
          title: decision === "deny" ? "denies" : compare === null ? "allows" : "compares and allows",
          meaning:
            compare === null
              ? "The person lets the app on their own phone act for them."
              : "The code on the page is the one on the board's display, so it is this board that asks.",
          detail: compare === null ? [] : [["code", compare]],
          ok: decision === "allow",
        });
        page = await browser.submit(page, choice.form, {}, button, signal);
        decided = true;
        continue;
      }
      const form = page.forms.find((each) => each.buttons.length > 0);
      if (form === undefined) return { page, decided };
      page = await browser.submit(page, form, fillIn(form, username, password), form.buttons[0], signal);
    }
    return { page, decided };
  };

  return {
    async answerBoard({ link, userCode }, decision, signal) {
      wire.record({
        from: "person",
        to: "phone",
        kind: "person",
        title: "scans the QR code",
        meaning: "The camera reads the link with the code inside; the phone opens it in its browser.",
        detail: [["link", link]],
        ok: true,
      });
      const browser = createBrowser({ http, party: "phone" });
      const first = await browser.open(link, signal);
      const { page, decided } = await walk(browser, first, decision, userCode, () => false, signal);
      if (!decided) return { kind: "refused", reason: page.text.slice(0, 200) };
      return page.status < 400
        ? { kind: "done", page }
        : { kind: "refused", reason: `${page.status}: ${page.text.slice(0, 200)}` };
    },

    async followLink(link, decision, signal) {
      wire.record({
        from: "person",
        to: "person",
        kind: "person",
        title: "opens the link",
        meaning: "In a browser that reaches the board: on its own screen, or through a tunnel.",
        detail: [["link", link]],
        ok: true,
      });
      const browser = createBrowser({ http, party: "person" });
      const first = await browser.open(link, signal);
      const { page } = await walk(browser, first, decision, null, () => false, signal);
      return page.status < 400
        ? { kind: "done", page }
        : { kind: "refused", reason: `${page.status}: ${page.text.slice(0, 300)}` };
    },

    async signInTo(authorizeUrl, callback, signal) {
      const browser = createBrowser({ http, party: "phone", stopAt: callback });
      const arrived = (page: Page): boolean => page.url.href.startsWith(callback);
      const first = await browser.open(authorizeUrl, signal);
      const { page } = await walk(browser, first, "allow", null, arrived, signal);
      if (!arrived(page)) throw new Error(`the org did not send the phone back: ${page.text.slice(0, 200)}`);
      return page.url;
    },
  };
};

const bare = (text: string): string => text.replace(/[\s\u00a0\u2011-]/g, "").toUpperCase();

/** A form with a yes and a no, or a yes and a no in two forms. */
const choiceOf = (page: Page): { form: PageForm; yes: FormButton; no: FormButton } | undefined => {
  for (const form of page.forms) {
    const allow = form.buttons.find((button) => yes.test(button.label));
    const deny = form.buttons.find((button) => no.test(button.label) && button !== allow);
    if (allow !== undefined && deny !== undefined) return { form, yes: allow, no: deny };
  }
  return undefined;
};

/** A name where a name is asked for, the password where a password is; everything else stays as the page has it. */
const fillIn = (form: PageForm, username: string, password: string): Record<string, string> => {
  const secret = form.fields.find((field) => field.type === "password");
  if (secret === undefined) return {};
  const who = form.fields.find(
    (field) => /user|name|login|email/i.test(field.name) && field.type !== "hidden",
  );
  return { [secret.name]: password, ...(who === undefined ? {} : { [who.name]: username }) };
};
