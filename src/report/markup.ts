// Text that goes into the page as text.

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Fit for an element's content and for an attribute in quotes. */
export const escaped = (text: string): string => text.replace(/[&<>"']/g, (sign) => entities[sign] ?? sign);

/** A name from outside, kept from turning the direction of what stands beside it. */
export const isolated = (text: string): string => `<bdi>${escaped(text)}</bdi>`;

export const count = (n: number): string => n.toLocaleString("en");

/** "1 lamp", "2 lamps". */
export const counted = (n: number, one: string, many = `${one}s`): string =>
  `${count(n)} ${n === 1 ? one : many}`;
