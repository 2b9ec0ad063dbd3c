import { AgentError } from "../../errors.ts";
import type { Display } from "../../ports.ts";
import type { PanelPorts } from "./panel-display.ts";
import type { TerminalPorts } from "./terminal.ts";

/** A display for boards that have none. */
const none: Display = { show: () => undefined, [Symbol.asyncDispose]: async () => undefined };

/**
 * Opens the display that the settings name: `terminal`, `none`, `framebuffer:`, `oled:`, or `file:` and the path of a
 * `.png` or `.svg` file. Only the code of that display is loaded. Throws SETTINGS_INVALID for anything else.
 */
export const openDisplay = async (
  spec: string,
  ports: TerminalPorts & PanelPorts,
  signal: AbortSignal,
): Promise<Display> => {
  signal.throwIfAborted();
  if (spec === "none") return none;
  if (spec === "terminal") return (await import("./terminal.ts")).openTerminal(ports);
  const path = /^file:(.+)$/s.exec(spec)?.[1];
  if (path !== undefined) return (await import("./file.ts")).openFile(path, ports);
  if (spec.startsWith("framebuffer:")) return (await import("./framebuffer.ts")).openFramebuffer(spec, ports);
  if (spec.startsWith("oled:")) return (await import("./oled.ts")).openOled(spec, ports);
  throw new AgentError(
    "SETTINGS_INVALID",
    `display is ${JSON.stringify(spec.slice(0, 120))}; it must be terminal, none, framebuffer:/dev/fb0, oled:/dev/i2c-1, or file: and the path of a .png or .svg file`,
  );
};
