// The report as a page: one file, that loads nothing and needs no script to be read. Pure, hashes aside.

import { createHash } from "node:crypto";
import { type EpochMs, iso } from "../units.ts";
import { columns, perWindow, rows, windows } from "./charts.ts";
import { type AttentionKind, ago, attentionKinds, type Lamp, OFFLINE_DAYS, SIGN_IN_DAYS } from "./lamps.ts";
import { count, counted, escaped, isolated } from "./markup.ts";
import { pageScript, pageStyle } from "./page-style.ts";
import type { Problem, Report } from "./summary.ts";

/** Rows of the table; a browser opens a page with so many at once, and report.csv has all. */
export const MOST_ROWS = 2000;
/** Lamps named below each thing to attend to. */
const MOST_NAMED = 8;

const hashOf = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

const policy = [
  "default-src 'none'",
  `style-src ${hashOf(pageStyle)}`,
  `script-src ${hashOf(pageScript)}`,
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

const kindWords: Readonly<Record<AttentionKind, readonly [title: string, hint: string]>> = {
  fault: [
    "Lamps that do not answer",
    "Check wiring and power at the board; it takes the lamp back by itself.",
  ],
  health: [
    "Boards that say that something is wrong with them",
    "docs/errors.md has what each code means and what to do.",
  ],
  signIn: [
    "Sign-ins that end or have ended",
    `Within ${SIGN_IN_DAYS} days. A board that comes online before the end renews its sign-in by itself; after it, somebody has to scan a new code.`,
  ],
  away: [
    `Not seen for more than ${OFFLINE_DAYS} days`,
    "Unplugged, without a network, or broken. The owner is the one to ask.",
  ],
  absent: [
    "Never seen",
    "A record at the org without a board: not delivered yet, or its serial number is another one.",
  ],
  owner: [
    "Nobody owns them",
    "The record names neither contact nor account, and the board nobody who approved it.",
  ],
  record: [
    "No Asset record",
    "A board at the broker that the org knows nothing of. The asset token exchange makes a record.",
  ],
  duplicate: [
    "One serial number, several records or boards",
    "Remove the record that is too much: only one can be the board's. A board that got another id has left its old one at the broker: clear what is retained there.",
  ],
  clock: ["Clocks that are ahead", "What these boards say of times is wrong. Give them a time server."],
  firmware: ["Older firmware", "docs/update.md says how boards get a newer one."],
};

const when = (at: EpochMs): string => `${iso(at).slice(0, 10)} ${iso(at).slice(11, 16)}`;

const time = (at: EpochMs): string => `<time class="when" datetime="${iso(at)}">${when(at)}</time>`;

const problemBox = ({ from, code, message, help }: Problem): string =>
  `<section class="problem" role="note"><h2>Not complete: ${from === "org" ? "the org did not tell everything" : "the broker did not tell everything"}</h2><p>${escaped(message)}</p><p>${escaped(help)} (<code>${code}</code>)</p></section>`;

const headline = ({ summary }: Report): string => {
  const { lamps, status } = summary;
  if (lamps === 0) return "There are no lamps yet";
  if (status.unknown === lamps) return `${counted(lamps, "lamp")}, and nobody says whether they are online`;
  if (lamps === 1 && status.online === 1) return "The one lamp is online";
  return status.online === lamps
    ? `All ${count(lamps)} lamps are online`
    : `${count(status.online)} of ${counted(lamps, "lamp")} ${status.online === 1 ? "is" : "are"} online`;
};

const tile = (n: number, words: string, kind: string): string =>
  `<li class="is-${kind}"><b>${count(n)}</b><span>${words}</span></li>`;

const swatch = (kind: string): string =>
  `<svg viewBox="0 0 10 10" aria-hidden="true"><path class="window ${kind}" d="M1 1h8v8h-8z"/></svg>`;

const fleet = ({ summary, broker }: Report): string => {
  const { status, lamps, needAttention } = summary;
  const each = perWindow(lamps);
  return [
    '<section aria-labelledby="fleet"><h2 id="fleet">The fleet</h2><ul class="tiles">',
    tile(status.online, "online", "online"),
    tile(status.offline, "offline", "offline"),
    ...(status.unknown === 0 ? [] : [tile(status.unknown, "nobody knows", "unknown")]),
    tile(needAttention, "need attention", needAttention === 0 ? "offline" : "bad"),
    "</ul>",
    lamps === 0 ? "" : windows(status),
    '<ul class="legend">',
    ...(["online", "offline", "unknown"] as const)
      .filter((kind) => status[kind] > 0)
      .map((kind) => `<li>${swatch(kind)}${kind}</li>`),
    each === 1 ? "" : `<li>one window for ${counted(each, "lamp")}</li>`,
    `<li>${broker === null ? "by what the boards last wrote to their records" : "by the broker, where it knows the board, else by what it last wrote to its record"}</li>`,
    "</ul></section>",
  ].join("");
};

const named = (lamp: Lamp, kind: AttentionKind): string => {
  const words = lamp.attention.find((each) => each.kind === kind)?.words ?? "";
  const id = lamp.serial ?? lamp.deviceId;
  return `<li><b>${isolated(lamp.name)}</b>${id === null ? "" : ` (${isolated(id)})`}${lamp.owner === null ? "" : `, ${isolated(lamp.owner)}`}: ${escaped(words)}</li>`;
};

const attentionSection = ({ lamps, summary }: Report): string => {
  const groups = attentionKinds
    .filter((kind) => summary.attention[kind] > 0)
    .map((kind) => {
      const [title, hint] = kindWords[kind];
      const n = summary.attention[kind];
      const some: Lamp[] = [];
      for (const lamp of lamps) {
        if (some.length >= MOST_NAMED) break;
        if (lamp.attention.some((each) => each.kind === kind)) some.push(lamp);
      }
      const more = n - some.length;
      return [
        `<h3>${escaped(title)}: ${count(n)}</h3><p class="hint">${escaped(hint)}</p><ul class="attention">`,
        ...some.map((lamp) => named(lamp, kind)),
        `</ul>${more > 0 ? `<p class="more">and ${count(more)} more: in the table below, and in <a href="report.csv">report.csv</a> by the word <code>${kind}</code></p>` : ""}`,
      ].join("");
    });
  const body = groups.length === 0 ? "<p>Nothing. Every lamp is as it should be.</p>" : groups.join("");
  return `<section aria-labelledby="attention"><h2 id="attention">What needs attention</h2>${body}</section>`;
};

const chartBox = (id: string, title: string, picture: string): string =>
  `<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>${picture}</section>`;

const seenKind = (label: string): "good" | "bad" =>
  ["1 hour", "1 day", "3 days"].includes(label) ? "good" : "bad";

const signInKind = (label: string): "good" | "bad" | "none" =>
  label === "no end" ? "none" : ["ended", "7 days"].includes(label) ? "bad" : "good";

const charts = ({ summary }: Report): string =>
  [
    '<div class="charts">',
    chartBox("seen", "Last seen, within", columns("Last seen, within", summary.lastSeen, seenKind)),
    chartBox(
      "sign-ins",
      "Sign-ins end, within",
      columns("Sign-ins end, within", summary.signIns, signInKind),
    ),
    chartBox("firmware", "Firmware", rows("Firmware", summary.firmware)),
    "</div>",
  ].join("");

const HEADS = [
  "Lamp",
  "Owner",
  "Status",
  "Last seen",
  "Signed in until",
  "Firmware",
  "Lamps now",
  "Attention",
];

const row = (lamp: Lamp, now: EpochMs): string => {
  const { lastSeen, signedInUntil } = lamp;
  const ids = [...new Set([lamp.serial, lamp.deviceId].filter((id) => id !== null))];
  const words = lamp.attention.map((each) => escaped(each.words)).join("; ");
  const is = [lamp.status, ...lamp.attention.map(({ kind }) => kind)].join(" ");
  const seen =
    lastSeen === null
      ? ""
      : `${time(lastSeen)}${now - lastSeen > 60_000 ? `<small>${ago(now - lastSeen)} ago</small>` : ""}`;
  return [
    `<tr data-is="${is}"><th scope="row">${isolated(lamp.name)}<small>${ids.map(isolated).join(", ")}</small></th>`,
    `<td>${lamp.owner === null ? "" : isolated(lamp.owner)}</td>`,
    `<td><span class="badge ${lamp.status}">${lamp.status}</span></td>`,
    `<td>${seen}</td><td>${signedInUntil === null ? "" : time(signedInUntil)}</td>`,
    `<td>${lamp.firmware === null ? "" : isolated(lamp.firmware)}</td>`,
    `<td>${lamp.lights === null ? "" : isolated(lamp.lights)}</td><td class="notes">${words}</td></tr>\n`,
  ].join("");
};

const tableHead = ({ lamps }: Report): string => {
  const cut =
    lamps.length > MOST_ROWS
      ? ` The first ${count(MOST_ROWS)} of ${count(lamps.length)}, those that need attention first; all are in <a href="report.csv">report.csv</a>.`
      : "";
  const options = ["online", "offline", "unknown", ...attentionKinds]
    .map((kind) => {
      const words = attentionKinds.find((each) => each === kind);
      return `<option value="${kind}">${words === undefined ? kind : escaped(kindWords[words][0])}</option>`;
    })
    .join("");
  return [
    '<section class="lamps" aria-labelledby="lamps"><h2 id="lamps">All lamps</h2><div class="tools" hidden>',
    '<label for="search">Search <input id="search" type="search" autocomplete="off"></label>',
    `<label for="kind">Show <select id="kind"><option value="">all</option>${options}</select></label>`,
    '<output id="shown" for="search kind"></output></div>',
    '<div class="scroll" tabindex="0" role="region" aria-label="Table of all lamps"><table>',
    `<caption>Times are in UTC.${cut}</caption><thead><tr>`,
    ...HEADS.map((head) => `<th scope="col">${head}</th>`),
    "</tr></thead><tbody>\n",
  ].join("");
};

/** The page, piece by piece. */
export function* pageParts(report: Report): Generator<string> {
  const { madeAt, org, broker, problems, missingFields, lamps } = report;
  yield [
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}">`,
    '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex"><meta name="referrer" content="no-referrer">',
    `<title>Lamps, ${when(madeAt)} UTC</title><style>${pageStyle}</style></head><body>`,
    `<header><div class="wide"><p>Porchlight, nightly report</p><h1>${headline(report)}</h1>`,
    `<p>${time(madeAt)} UTC, from ${isolated(org)}${broker === null ? "" : ` and ${isolated(broker)}`}</p></div></header><main class="wide">`,
    ...problems.map(problemBox),
    fleet(report),
    lamps.length === 0 ? "" : attentionSection(report),
    lamps.length === 0 ? "" : charts(report),
  ].join("\n");
  if (lamps.length > 0) {
    yield tableHead(report);
    for (const lamp of lamps.slice(0, MOST_ROWS)) yield row(lamp, madeAt);
    yield "</tbody></table></div></section>";
  }
  yield [
    '</main><footer class="wide"><p>This report names people and says when their lamps are on. Who may read this file sees all of it: keep it where only those who look after the lamps can.',
    missingFields.length === 0
      ? ""
      : ` The org does not have, or does not show, ${missingFields.map((field) => `<code>${escaped(field)}</code>`).join(", ")}.`,
    '</p><p><a href="report.csv">report.csv</a> and <a href="report.json">report.json</a> beside this file have the same for programs.</p></footer>',
    lamps.length === 0 ? "" : `<script>${pageScript}</script>`,
    "</body></html>\n",
  ].join("");
}
