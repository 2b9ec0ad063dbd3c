import type { Input } from "../ports.ts";
import type { Edge } from "./linux/gpio-uapi.ts";

/** Held for so long, in milliseconds, a press is a long one, or a very long one. */
export const LONG_MS = 3000;
export const VERY_LONG_MS = 10_000;

/** When the button went down, by the kernel's clock in milliseconds; null while it is up. */
export type Held = { readonly downAtMs: number } | null;

/** What an edge means: the button's new state, and the press that it ended. Counted when it is let go. */
export const afterEdge = (held: Held, edge: Edge): { readonly held: Held; readonly input: Input | null } => {
  // Two edges of one kind: the one between them got lost. What began last counts.
  if (edge.active) return { held: { downAtMs: edge.atMs }, input: null };
  if (held === null) return { held, input: null };
  const heldMs = edge.atMs - held.downAtMs;
  const input = heldMs >= VERY_LONG_MS ? "veryLongPress" : heldMs >= LONG_MS ? "longPress" : "press";
  return { held: null, input };
};
