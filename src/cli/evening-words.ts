// What `porchlight status` says of the evening. Pure.

import type { StatusAnswer } from "../adapters/control-answers.ts";
import type { HomeSource } from "../model.ts";
import { momentWords } from "./moment-words.ts";

const homeWords: Readonly<Record<HomeSource, string>> = {
  settings: "known by the settings",
  org: "known by the org, to a tenth of a degree",
  timeZone: "not known: the city of its time zone stands for it",
};

/** Rows of a name and its words: what the lamps do by themselves, who said so, when they do next, and how home is known. */
export const eveningWords = (
  {
    evening,
    eveningFrom,
    eveningNext,
    homeFrom,
  }: Pick<StatusAnswer, "evening" | "eveningFrom" | "eveningNext" | "homeFrom">,
  now: number,
): readonly (readonly [string, string])[] => {
  if (evening === null)
    return eveningFrom === "phone" ? [["evening", "none, as the owner said from the phone"]] : [];
  const { on, off, timeZone, lights, brightness, away } = evening;
  const which = lights === null ? "" : `, ${lights.join(" and ")}`;
  const dimmed = brightness === null ? "" : `, ${Math.round(brightness * 100)} %`;
  const whose = eveningFrom === "phone" ? "set from the phone" : "set in the settings";
  return [
    ["evening", `${on} to ${off} (${timeZone})${which}${dimmed}${away ? ", nobody at home" : ""}; ${whose}`],
    ...(eveningNext == null
      ? []
      : [
          [
            "",
            `next ${eveningNext.on ? "on" : "off"} at ${momentWords(eveningNext.at, now, timeZone)}`,
          ] as const,
        ]),
    ...(homeFrom === null ? [] : [["home", homeWords[homeFrom]] as const]),
  ];
};
