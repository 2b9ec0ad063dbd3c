import { VirtualClock } from "../../firmware-sim/clock.ts";
import { clockContract } from "./clock.ts";

clockContract("virtual", async (test) => {
  using clock = new VirtualClock();
  await test({ clock, advance: (ms) => clock.advance(ms), waiting: () => clock.waiting });
});
