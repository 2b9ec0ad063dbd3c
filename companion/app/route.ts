import { useEffect, useState } from "preact/hooks";
import { isDeviceId } from "../core/config.ts";
import { type GuestCard, readBoardLink, readGuestLink, type ShownBoard } from "../core/guest-link.ts";

/** Where in the app the person is; it is what stands behind the `#` of the address. */
export type Route =
  | { readonly at: "home" }
  | { readonly at: "add" }
  | { readonly at: "me" }
  | { readonly at: "guest" }
  | { readonly at: "board"; readonly id: string }
  /** An owner gives a pass for a board; `card` when it came with a guest's link. */
  | { readonly at: "pass"; readonly id: string | null; readonly card: GuestCard | null }
  /** A guest was shown a board. */
  | { readonly at: "shown"; readonly shown: ShownBoard };

export const readRoute = (hash: string): Route => {
  const card = hash.startsWith("#guest=") ? readGuestLink(hash) : null;
  if (card !== null) return { at: "pass", id: null, card };
  const shown = hash.startsWith("#lamp=") ? readBoardLink(hash) : null;
  if (shown !== null) return { at: "shown", shown };
  const [, place = "", id = ""] = hash.replace(/^#/, "").split("/");
  if (place === "add" || place === "me" || place === "guest") return { at: place };
  if (place === "board" && isDeviceId(id)) return { at: "board", id };
  if (place === "pass" && isDeviceId(id)) return { at: "pass", id, card: null };
  return { at: "home" };
};

/** The address of a place, for links. */
export const hrefOf = (route: Route): string => {
  switch (route.at) {
    case "home":
      return "#/";
    case "board":
    case "pass":
      return `#/${route.at}/${route.id}`;
    default:
      return `#/${route.at}`;
  }
};

/** Goes there; with `replace` the way back leads past here. */
export const go = (route: Route, replace = false): void => {
  if (replace) location.replace(hrefOf(route));
  else location.hash = hrefOf(route);
};

export const useRoute = (): Route => {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const onChange = (): void => setHash(location.hash);
    addEventListener("hashchange", onChange);
    return () => removeEventListener("hashchange", onChange);
  }, []);
  return readRoute(hash);
};
