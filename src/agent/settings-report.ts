// The settings of `porchlight report`: the same file as a board's, of which a server needs the org and perhaps the broker.

import type { Settings } from "./settings.ts";
import { parseSettings, type SettingsSources } from "./settings-parse.ts";
import type { SettingsMistake } from "./settings-written.ts";

export interface ReportSettings {
  readonly org: Settings["org"];
  /** Null: the report is made of the Asset records alone. */
  readonly broker: Settings["broker"] | null;
}

/** Reads them; mistakes are collected, not thrown. */
export const parseReportSettings = (
  sources: SettingsSources,
):
  | { readonly ok: true; readonly settings: ReportSettings }
  | { readonly ok: false; readonly mistakes: readonly SettingsMistake[] } => {
  const result = parseSettings(sources, "report");
  if (!result.ok) return result;
  const { org, broker } = result.settings;
  const url: string | undefined = broker.url;
  return { ok: true, settings: { org, broker: url === undefined ? null : broker } };
};
