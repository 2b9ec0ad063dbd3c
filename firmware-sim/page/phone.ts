import type { LightChange } from "../../src/model.ts";
import { byId, say } from "./dom.ts";
import { act } from "./feed.ts";
import { shineOn } from "./scene.ts";
import type { PageState, RemoteLamp } from "./state.ts";

/** At most one command in this many milliseconds while a finger is on a slider. */
const SLIDE_MS = 120;
/** After a finger leaves a slider, the board's report may move it again after this long. */
const HOLD_MS = 1200;

const swatches: readonly { readonly name: string; readonly rgb: readonly [number, number, number] }[] = [
  { name: "Red", rgb: [1, 0.13, 0.1] },
  { name: "Orange", rgb: [1, 0.5, 0.05] },
  { name: "Green", rgb: [0.2, 0.95, 0.35] },
  { name: "Turquoise", rgb: [0.1, 0.85, 0.85] },
  { name: "Blue", rgb: [0.18, 0.35, 1] },
  { name: "Violet", rgb: [0.62, 0.25, 1] },
  { name: "Pink", rgb: [1, 0.35, 0.68] },
];

/** The phone in its three stages: camera, browser with the org's own pages, remote control. */
export const buildPhone = (): { show(state: PageState): void } => {
  const stages = {
    invite: byId("stage-invite", HTMLElement),
    web: byId("stage-web", HTMLElement),
    remote: byId("stage-remote", HTMLElement),
  };
  const frame = byId("web", HTMLIFrameElement);
  const openRemote = byId("open-remote", HTMLButtonElement);
  const power = byId("power", HTMLButtonElement);
  const brightness = byId("brightness", HTMLInputElement);
  const kelvin = byId("kelvin", HTMLInputElement);
  const scan = byId("scan", HTMLButtonElement);
  let browsing: "scan" | "openRemote" | null = null;
  let latest: PageState | null = null;
  /** The lamp that the remote is for; null is the first. */
  let chosen: string | null = null;

  const browse = (why: "scan" | "openRemote", address: string): void => {
    browsing = why;
    say(byId("address", HTMLElement), new URL(address).host);
    frame.src = address;
    if (latest !== null) show(latest);
  };
  const leaveBrowser = (): void => {
    browsing = null;
    frame.src = "about:blank";
    if (latest !== null) show(latest);
  };
  const goTo = async (action: "scan" | "openRemote"): Promise<void> => {
    const answer = await act({ act: action });
    if (answer.ok && answer.open !== undefined) browse(action, answer.open);
    else if (!answer.ok) say(byId("invite-hint", HTMLElement), answer.why);
  };
  scan.addEventListener("click", () => {
    void goTo(latest !== null && approved(latest) ? "openRemote" : "scan");
  });
  openRemote.addEventListener("click", () => void goTo("openRemote"));
  byId("web-close", HTMLButtonElement).addEventListener("click", leaveBrowser);
  byId("forget", HTMLButtonElement).addEventListener("click", () => void act({ act: "forgetRemote" }));
  byId("identify", HTMLButtonElement).addEventListener("click", () => send({ effect: "identify" }));

  const send = (change: LightChange): void =>
    void act({ act: "light", change, ...(chosen === null ? {} : { lamp: chosen }) });
  const choose = (id: string): void => {
    chosen = id;
    if (latest !== null) show(latest);
  };
  power.addEventListener("click", () => send({ on: power.getAttribute("aria-pressed") !== "true" }));
  const brightnessSlider = slider(brightness, (value) => send({ on: true, brightness: value / 100 }));
  const kelvinSlider = slider(kelvin, (value) =>
    send({ on: true, colour: { mode: "temperature", kelvin: value } }),
  );
  const colours = swatches.map((swatch) => {
    const button = document.createElement("button");
    button.type = "button";
    button.title = swatch.name;
    button.setAttribute("aria-label", swatch.name);
    button.style.setProperty(
      "background",
      `rgb(${swatch.rgb.map((part) => Math.round(part * 255)).join(" ")})`,
    );
    button.addEventListener("click", () => send({ on: true, colour: { mode: "rgb", rgb: swatch.rgb } }));
    byId("swatches", HTMLElement).append(button);
    return { button, swatch };
  });

  const tick = (): void => {
    const now = new Date();
    say(byId("phone-clock", HTMLElement), `${now.getHours()}:${String(now.getMinutes()).padStart(2, "0")}`);
  };
  tick();
  setInterval(tick, 10_000);

  const show = (state: PageState): void => {
    latest = state;
    const { phone, board, hardware } = state;
    if (phone.person !== null && browsing !== null) {
      // The remote has signed in: the browser has done its work.
      browsing = null;
      frame.src = "about:blank";
    }
    const stage = phone.person !== null ? "remote" : browsing !== null ? "web" : "invite";
    for (const [name, element] of Object.entries(stages)) element.hidden = name !== stage;

    const isApproved = approved(state);
    openRemote.hidden = !isApproved || browsing === "openRemote";
    scan.disabled = board?.code === null && !isApproved;
    say(scan, isApproved ? "Open the remote" : "Scan the code");
    const link = board?.link ?? null;
    byId("finder", HTMLElement).hidden = isApproved || link !== null;
    scan.hidden = link !== null;
    say(
      byId("invite-hint", HTMLElement),
      isApproved
        ? (phone.trouble ?? "The board has an owner now. Sign in to the remote to move its lamp.")
        : link !== null
          ? `Not by phone this time: open ${link} in another window of this computer's browser.`
          : board?.code === null
            ? "The board is getting a code."
            : "Point the camera at the code on the board.",
    );

    showLamps(byId("lamps", HTMLElement), phone.lamps, chosen, choose);
    const lamp = phone.lamps.find(({ id }) => id === chosen) ?? phone.lamps[0];
    const light = lamp === undefined ? phone.light : lamp.light;
    shineOn(stages.remote, hardware.lamps.find(({ id }) => id === lamp?.id)?.light ?? state.lamp);
    byId("brightness-box", HTMLElement).hidden = lamp?.dims === false;
    byId("kelvin-box", HTMLElement).hidden = lamp?.temperature === false;
    byId("swatches", HTMLElement).hidden = lamp?.rgb === false;
    say(byId("remote-name", HTMLElement), board?.name ?? "Lamp");
    say(
      byId("remote-state", HTMLElement),
      !phone.connected
        ? "connecting to the broker…"
        : phone.lampOnline
          ? "at home, online"
          : "the lamp is not there",
    );
    stages.remote.classList.toggle("away-lamp", !phone.connected || !phone.lampOnline);
    power.setAttribute("aria-pressed", String(light?.on ?? false));
    power.classList.toggle("waiting", phone.waiting);
    say(
      byId("remote-words", HTMLElement),
      phone.waiting
        ? "asking the board…"
        : light === null
          ? "no report yet"
          : light.on
            ? lamp?.dims === false
              ? "On"
              : `On, ${Math.round(light.brightness * 100)} %`
            : "Off",
    );
    if (light !== null) {
      brightnessSlider.settle(Math.round(light.brightness * 100));
      if (light.colour.mode === "temperature") kelvinSlider.settle(light.colour.kelvin);
      for (const { button, swatch } of colours)
        button.setAttribute(
          "aria-pressed",
          String(
            light.colour.mode === "rgb" &&
              light.colour.rgb.every((part, index) => Math.abs(part - (swatch.rgb[index] ?? 0)) < 0.02),
          ),
        );
    }
    const trouble = byId("remote-trouble", HTMLElement);
    trouble.hidden = phone.trouble === null;
    say(trouble, phone.trouble ?? "");
    say(byId("remote-person", HTMLElement), phone.person ?? "");
  };
  return { show };
};

/** A button for each lamp; one lamp needs none. */
const showLamps = (
  box: HTMLElement,
  lamps: readonly RemoteLamp[],
  chosen: string | null,
  choose: (id: string) => void,
): void => {
  const ids = lamps.map(({ id }) => id).join(" ");
  if (box.dataset.ids !== ids) {
    box.dataset.ids = ids;
    box.replaceChildren(
      ...lamps.map(({ id, name }) => {
        const button = document.createElement("button");
        button.type = "button";
        button.dataset.lamp = id;
        button.textContent = name;
        button.addEventListener("click", () => choose(id));
        return button;
      }),
    );
  }
  const now = lamps.some(({ id }) => id === chosen) ? chosen : lamps[0]?.id;
  for (const button of box.querySelectorAll("button"))
    button.setAttribute("aria-pressed", String(button.dataset.lamp === now));
};

const approved = (state: PageState): boolean => state.board?.approved ?? false;

/** A slider that sends while it moves, not too often, and follows the board's reports when no finger is on it. */
const slider = (input: HTMLInputElement, send: (value: number) => void): { settle(value: number): void } => {
  let heldUntil = 0;
  let sending = false;
  input.addEventListener("input", () => {
    heldUntil = performance.now() + HOLD_MS;
    if (sending) return;
    sending = true;
    setTimeout(() => {
      sending = false;
      send(input.valueAsNumber);
    }, SLIDE_MS);
  });
  return {
    settle(value) {
      if (performance.now() > heldUntil) input.value = String(value);
    },
  };
};
