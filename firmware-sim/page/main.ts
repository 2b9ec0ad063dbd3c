import { buildDetail, buildDiagram } from "./diagram.ts";
import { buildDisplay } from "./display.ts";
import { byId, say } from "./dom.ts";
import { listen } from "./feed.ts";
import { drawHardware } from "./hardware.ts";
import { buildMischief } from "./mischief.ts";
import { drawPanel } from "./panel.ts";
import { buildPhone } from "./phone.ts";
import { buildScene, drawLamp } from "./scene.ts";
import type { PageState } from "./state.ts";

const display = buildDisplay();
const phone = buildPhone();
const diagram = buildDiagram();
const mischief = buildMischief();
buildDetail();
await buildScene();

const drawStrip = (state: PageState): void => {
  say(byId("now", HTMLElement), state.now);
  say(byId("next", HTMLElement), state.next ?? "");
  [...byId("progress", HTMLOListElement).children].forEach((step, index) => {
    step.classList.toggle("done", index < state.progress);
  });
};

listen({
  state(state) {
    drawStrip(state);
    drawLamp(state.lamp);
    drawHardware(state.hardware);
    display.show(state.board);
    phone.show(state);
    mischief.show(state);
  },
  panel: drawPanel,
  wire: diagram.add,
  lost() {
    say(byId("now", HTMLElement), "The simulator has stopped.");
    say(
      byId("next", HTMLElement),
      `Start it again with npm start -- --port ${location.port}; this page comes back by itself.`,
    );
  },
});
