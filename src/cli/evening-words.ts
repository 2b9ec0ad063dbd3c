// What `porchlight status` says of the evening. Pure.

import type { HomeSource, Status } from "../model.ts";

const homeWords: Readonly<Record<HomeSource, string>> = {
  settings: "known by the settings",
  org: "known by the org, to a tenth of a degree",
  timeZone: "not known: the city of its time zone stands for it",
};

/** Rows of a name and its words: what the lamps do by themselves, who said so, and how home is known. */
export const eveningWords = ({
  evening,
  eveningFrom,
  homeFrom,
}: Pick<Status, "evening" | "eveningFrom" | "homeFrom">): readonly (readonly [string, string])[] => {
  if (evening === null)
    return eveningFrom === "phone" ? [["evening", "none, as the owner said from the phone"]] : [];
  const { on, off, timeZone, lights, brightness, away } = evening;
  const which = lights === null ? "" : `, ${lights.join(" and ")}`;
  const dimmed = brightness === null ? "" : `, ${Math.round(brightness * 100)} %`;
  const whose = eveningFrom === "phone" ? "set from the phone" : "set in the settings";
  return [
    ["evening", `${on} to ${off} (${timeZone})${which}${dimmed}${away ? ", nobody at home" : ""}; ${whose}`],
    ...(homeFrom === null ? [] : [["home", homeWords[homeFrom]] as const]),
  ];
};
