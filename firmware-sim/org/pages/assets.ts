import type { Approval, AssetRecord, AssetTokenEvent, OrgApp, OrgUser } from "../store.ts";
import { fullName } from "../store.ts";
import { type Html, html } from "./html.ts";
import type { Page } from "./page.ts";

type Line = readonly [name: string, value: string | null];

const lines = (list: readonly Line[]): Html =>
  html`<dl>${list.map(([name, value]) => (value === null ? html`` : html`<dt>${name}</dt><dd>${value}</dd>`))}</dl>`;

const section = (title: string, empty: string, rows: readonly Html[]): Html =>
  html`<h2>${title}</h2>${rows.length === 0 ? html`<p>${empty}</p>` : html`<div class="rows">${rows}</div>`}`;

const shortTime = (time: string): string => time.slice(0, 19).replace("T", " ");

/** Newest events shown; the rest is only counted. */
const SHOWN_EVENTS = 20;

/** `/setup/assets`: what the org knows about devices, and the way to take an approval back. */
export const assetsPage = (options: {
  readonly csrf: string;
  readonly user: OrgUser;
  readonly approvals: readonly { readonly approval: Approval; readonly app: OrgApp | undefined }[];
  readonly assets: readonly AssetRecord[];
  readonly events: readonly AssetTokenEvent[];
}): Page => ({
  title: "Devices",
  wide: true,
  says: "The person looks at what their devices may do.",
  main: html`<h1>Devices</h1>
<p>What ${fullName(options.user)} has allowed, and what the org has noted about it.</p>
${section(
  "Allowed by you",
  "Nothing yet. Let a device show its code and connect it.",
  options.approvals.map(
    ({
      approval,
      app,
    }) => html`<article class="row"><div class="top"><h3>${approval.device ?? app?.name ?? approval.clientId}</h3>
<form method="post" action="/setup/assets/revoke"><input type="hidden" name="csrf" value="${options.csrf}"><input type="hidden" name="approval" value="${approval.id}"><button class="quiet small" aria-label="Revoke ${approval.device ?? app?.name ?? approval.clientId}">Revoke</button></form></div>
${lines([
  ["App", app?.name ?? null],
  ["Since", shortTime(new Date(approval.approvedAt).toISOString())],
  ["May", approval.scope.join(", ")],
])}</article>`,
  ),
)}
${section(
  "Assets",
  "No device has registered yet.",
  options.assets.map(
    (asset) =>
      html`<article class="row"><h3>${asset.Name}</h3>${lines([
        ["Serial number", asset.SerialNumber],
        ["Status", asset.Status],
        ["Id", asset.Id],
        ["Since", shortTime(asset.CreatedDate)],
      ])}</article>`,
  ),
)}
${section(
  `Asset token events (${options.events.length})`,
  "No asset token has been given out yet.",
  options.events
    .slice(-SHOWN_EVENTS)
    .toReversed()
    .map(
      (event) =>
        html`<article class="row"><h3>${event.DeviceId ?? "no device"}</h3>${lines([
          ["Name", event.Name],
          ["Asset", event.AssetName],
          ["Given out", shortTime(event.CreatedDate)],
          ["Good until", shortTime(event.Expiration)],
          ["Event", event.EventUuid],
        ])}</article>`,
    ),
)}`,
});
