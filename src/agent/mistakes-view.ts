import { entryOf } from "../errors.ts";
import type { View } from "../model.ts";
import type { SettingsMistake } from "./settings-written.ts";

/** More would make every letter too small. */
const MOST_TOLD = 3;

/** Without what is allowed and what it is for: that stands beside the settings. */
const briefly = (problem: string): string => problem.replace(/(?:; allowed is |\. ).*$/s, "");

const told = ({ key, value, problem }: SettingsMistake): string =>
  `${key === "" ? "" : `${key}${value === null ? "" : ` = ${value}`} `}${briefly(problem)}.`;

/** The picture for settings that cannot be used; `link` leads to a page that helps. Pure. */
export const mistakesView = (
  device: View["device"],
  mistakes: readonly SettingsMistake[],
  link: string,
): View => {
  const { title } = entryOf("SETTINGS_INVALID");
  const more = mistakes.length - MOST_TOLD;
  return {
    device,
    state: "stopped",
    headline: title,
    detail: [...mistakes.slice(0, MOST_TOLD).map(told), ...(more > 0 ? [`And ${more} more.`] : [])].join(" "),
    code: null,
    owner: null,
    online: false,
    problem: {
      code: "SETTINGS_INVALID",
      title,
      help: "porchlight-errors.txt on the card has all mistakes.",
      retryAt: null,
      link,
    },
  };
};
