/** The element with that id, checked to be of that kind; the page is broken without it. */
export const byId = <T extends Element>(id: string, kind: new () => T): T => {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} #${id}`);
  return found;
};

/** Sets text only where it differs, so that screen readers are not told the same thing twice. */
export const say = (element: Element, text: string): void => {
  if (element.textContent !== text) element.textContent = text;
};

/** An SVG element with attributes. */
export const svg = (name: string, attributes: Readonly<Record<string, string>>): SVGElement => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
};
