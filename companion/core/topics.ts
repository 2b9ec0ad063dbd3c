// Topic names (docs/topics.md), from the phone's side. Pure.

import { isDeviceId } from "./config.ts";

export type Heard =
  | { readonly kind: "about"; readonly device: string }
  | { readonly kind: "availability"; readonly device: string }
  /** `topic` is the lamp's own state topic, as `about` names it. */
  | { readonly kind: "state"; readonly device: string; readonly topic: string }
  | { readonly kind: "answer"; readonly device: string };

/** Where answers to this phone go; no other phone reads there. */
export const answerTopic = (device: string, clientId: string): string =>
  `porchlight/${device}/result/${clientId}`;

export const commandTopic = (device: string): string => `porchlight/${device}/command`;

/** All boards that the broker lets this phone see. */
export const everyAbout = "porchlight/+/about";

/** What a phone wants to hear of one board. */
export const topicsOf = (device: string, clientId: string): readonly string[] => [
  ...["about", "availability", "light/state", "lights/+/state"].map((rest) => `porchlight/${device}/${rest}`),
  answerTopic(device, clientId),
];

/** What a message on a topic is about; null for others. */
export const readTopic = (topic: string): Heard | null => {
  const [root, device = "", ...rest] = topic.split("/");
  if (root !== "porchlight" || !isDeviceId(device)) return null;
  switch (rest.join("/")) {
    case "about":
    case "availability":
      return { kind: rest[0] === "about" ? "about" : "availability", device };
    default:
  }
  if (rest[0] === "result") return { kind: "answer", device };
  const isState =
    (rest[0] === "light" && rest[1] === "state" && rest.length === 2) ||
    (rest[0] === "lights" && rest[2] === "state" && rest.length === 3);
  return isState ? { kind: "state", device, topic } : null;
};
