import type { Party, WireMessage } from "../wire.ts";
import { byId, say, svg } from "./dom.ts";
import { addRow, type Row } from "./rows.ts";

const lanes: readonly { readonly party: Party; readonly name: string }[] = [
  { party: "person", name: "Person" },
  { party: "phone", name: "Phone" },
  { party: "org", name: "Org" },
  { party: "board", name: "Board" },
  { party: "broker", name: "Broker" },
  { party: "lamp", name: "Lamp" },
];
const ROWS_KEPT = 400;
const ARROW = 7;

const laneOf = (party: Party): number => lanes.findIndex((lane) => lane.party === party);
const nameOf = (party: Party): string => lanes[laneOf(party)]?.name ?? party;
const centre = (lane: number): string => `${(((lane + 0.5) * 100) / lanes.length).toFixed(3)}%`;

/** The sequence diagram: newest at the bottom, in view until the reader scrolls up. */
export const buildDiagram = (): { add(messages: readonly WireMessage[]): void } => {
  const box = byId("rows-box", HTMLElement);
  const list = byId("rows", HTMLOListElement);
  const toNewest = byId("to-newest", HTMLButtonElement);
  const heads = new Map<Party, HTMLElement>();
  const rows: Row[] = [];
  const buttons = new Map<number, HTMLButtonElement>();
  let following = true;
  let lastSeq = 0;

  for (const lane of lanes) {
    const head = document.createElement("span");
    head.textContent = lane.name;
    heads.set(lane.party, head);
    byId("lanes", HTMLElement).append(head);
  }

  const atEnd = (): boolean => box.scrollHeight - box.scrollTop - box.clientHeight < 30;
  const follow = (): void => {
    box.scrollTop = box.scrollHeight;
    following = true;
    toNewest.hidden = true;
  };
  box.addEventListener("scroll", () => {
    following = atEnd();
    if (following) toNewest.hidden = true;
  });
  new ResizeObserver(() => {
    if (following) follow();
  }).observe(box);
  toNewest.addEventListener("click", follow);

  const speak = (message: WireMessage): void => {
    for (const party of [message.from, message.to]) {
      const head = heads.get(party);
      head?.classList.add("speaking");
      setTimeout(() => head?.classList.remove("speaking"), 700);
    }
  };

  return {
    add(messages) {
      const fresh = messages.filter((message) => message.seq > lastSeq);
      for (const message of fresh) {
        lastSeq = message.seq;
        const { row, added } = addRow(rows, message);
        if (!added) {
          const button = buttons.get(row.key);
          if (button !== undefined) draw(button, row);
          continue;
        }
        const item = document.createElement("li");
        const button = document.createElement("button");
        button.type = "button";
        button.addEventListener("click", () => explain(row, button));
        draw(button, row);
        // A whole history at once needs no entrance.
        if (fresh.length < 20) button.classList.add("fresh");
        item.append(button);
        list.append(item);
        buttons.set(row.key, button);
        if (rows.length > ROWS_KEPT) {
          const gone = rows.shift();
          if (gone !== undefined) {
            buttons.get(gone.key)?.parentElement?.remove();
            buttons.delete(gone.key);
          }
        }
      }
      const newest = fresh.at(-1);
      if (newest === undefined) return;
      speak(newest);
      if (following) follow();
      else toNewest.hidden = false;
    },
  };
};

const draw = (button: HTMLButtonElement, { message, times }: Row): void => {
  const from = laneOf(message.from);
  const to = laneOf(message.to);
  const right = to >= from;
  const expanded = button.getAttribute("aria-expanded") ?? "false";
  button.className = `row ${message.kind}${message.ok ? "" : " bad"}${from === 2 && message.kind === "http" ? " answer" : ""}`;
  button.setAttribute("aria-expanded", expanded);
  button.setAttribute(
    "aria-label",
    `${nameOf(message.from)} to ${nameOf(message.to)}: ${message.title}${times > 1 ? `, ${times} times` : ""}`,
  );

  const drawing = svg("svg", { "aria-hidden": "true" });
  drawing.append(svg("line", { x1: centre(from), x2: centre(to), y1: "31", y2: "31" }));
  const head = svg("svg", { x: centre(to), y: "31", overflow: "visible" });
  const back = right ? -ARROW : ARROW;
  head.append(svg("path", { d: `M0 0L${back} -4.5L${back} 4.5z` }));
  drawing.append(head);

  const label = document.createElement("span");
  label.className = "row-label";
  label.textContent = message.title;
  if (times > 1) {
    const count = document.createElement("span");
    count.className = "row-count";
    count.textContent = `×${times}`;
    label.append(count);
  }
  // Long titles hang on the side of the picture that has room.
  const middle = (from + to) / 2;
  if (middle <= 1) {
    label.classList.add("at-left");
    label.style.setProperty("left", "1.5%");
  } else if (middle >= 4) {
    label.classList.add("at-right");
    label.style.setProperty("left", "98.5%");
  } else label.style.setProperty("left", `${(((middle + 0.5) * 100) / lanes.length).toFixed(3)}%`);
  button.replaceChildren(drawing, label);
};

let open: HTMLButtonElement | null = null;

const close = (): void => {
  byId("detail", HTMLElement).hidden = true;
  open?.setAttribute("aria-expanded", "false");
  open = null;
};

const explain = ({ message, times }: Row, button: HTMLButtonElement): void => {
  const again = open === button;
  close();
  if (again) return;
  open = button;
  button.setAttribute("aria-expanded", "true");
  say(
    byId("detail-way", HTMLElement),
    `${nameOf(message.from)} → ${nameOf(message.to)}${times > 1 ? `, ${times} times` : ""}, ${new Date(message.at).toLocaleTimeString()}`,
  );
  say(byId("detail-title", HTMLElement), message.title);
  say(byId("detail-meaning", HTMLElement), message.meaning);
  byId("detail-fields", HTMLElement).replaceChildren(
    ...message.detail.flatMap(([name, value]) => {
      const term = document.createElement("dt");
      term.textContent = name;
      const text = document.createElement("dd");
      text.textContent = value;
      return [term, text];
    }),
  );
  byId("detail", HTMLElement).hidden = false;
};

/** The explanation closes by its cross and by Escape. */
export const buildDetail = (): void => {
  byId("detail-close", HTMLButtonElement).addEventListener("click", close);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
};
