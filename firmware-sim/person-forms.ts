// The forms of a server-rendered page, read as a browser without scripts reads them. Pure.

export interface FormButton {
  readonly name: string | null;
  readonly value: string;
  readonly label: string;
}

export interface PageForm {
  readonly method: "GET" | "POST";
  /** As written in the page; relative to the page's address. */
  readonly action: string;
  readonly fields: readonly { readonly name: string; readonly type: string; readonly value: string }[];
  readonly buttons: readonly FormButton[];
}

/** The forms of a page, in order, with what each would send if nobody changed anything. */
export const readForms = (html: string): readonly PageForm[] =>
  [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].map(([, head = "", inside = ""]) => {
    const form = attributes(head);
    return {
      method: form.get("method")?.toUpperCase() === "POST" ? "POST" : "GET",
      action: form.get("action") ?? "",
      fields: [...inputs(inside), ...selects(inside)],
      buttons: buttons(inside),
    };
  });

/** What a reader sees: text without markup, blanks collapsed. */
export const readText = (html: string): string =>
  decode(
    html
      .replace(/<(script|style|head)\b[\s\S]*?<\/\1>/gi, " ")
      .replace(/<[^>]*>/g, " ")
      .replace(/\s+/g, " "),
  ).trim();

const inputs = (html: string): PageForm["fields"] =>
  [...html.matchAll(/<input\b([^>]*)>/gi)].flatMap(([, head = ""]) => {
    const input = attributes(head);
    const name = input.get("name");
    const type = (input.get("type") ?? "text").toLowerCase();
    const ticked = (type !== "checkbox" && type !== "radio") || input.has("checked");
    if (name === undefined || type === "submit" || type === "button" || !ticked) return [];
    return [{ name, type, value: input.get("value") ?? (type === "checkbox" ? "on" : "") }];
  });

const selects = (html: string): PageForm["fields"] =>
  [...html.matchAll(/<select\b([^>]*)>([\s\S]*?)<\/select>/gi)].flatMap(([, head = "", inside = ""]) => {
    const name = attributes(head).get("name");
    const options = [...inside.matchAll(/<option\b([^>]*)>([^<]*)/gi)].map(([, option = "", text = ""]) => {
      const given = attributes(option);
      return { value: given.get("value") ?? decode(text).trim(), selected: given.has("selected") };
    });
    const chosen = options.find((option) => option.selected) ?? options[0];
    return name === undefined || chosen === undefined ? [] : [{ name, type: "select", value: chosen.value }];
  });

const buttons = (html: string): readonly FormButton[] => [
  ...[...html.matchAll(/<button\b([^>]*)>([\s\S]*?)<\/button>/gi)].flatMap(([, head = "", inside = ""]) => {
    const button = attributes(head);
    return (button.get("type") ?? "submit").toLowerCase() === "submit"
      ? [{ name: button.get("name") ?? null, value: button.get("value") ?? "", label: readText(inside) }]
      : [];
  }),
  ...[...html.matchAll(/<input\b([^>]*)>/gi)].flatMap(([, head = ""]) => {
    const input = attributes(head);
    const value = input.get("value") ?? "Submit";
    return input.get("type")?.toLowerCase() === "submit"
      ? [{ name: input.get("name") ?? null, value, label: value }]
      : [];
  }),
];

const attributes = (head: string): Map<string, string> =>
  new Map(
    [...head.matchAll(/([^\s=/"'>]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g)].map(
      ([, name = "", double, single, bare]) => [name.toLowerCase(), decode(double ?? single ?? bare ?? "")],
    ),
  );

const named: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
};

const decode = (text: string): string =>
  text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) =>
    hex !== undefined
      ? String.fromCodePoint(Number.parseInt(hex, 16))
      : decimal !== undefined
        ? String.fromCodePoint(Number(decimal))
        : (named[String(name).toLowerCase()] ?? whole),
  );
