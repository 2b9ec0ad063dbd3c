import { spawn } from "node:child_process";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * True where a desktop of this machine is there, and the program is not at the far end of ssh, whose forwarded display would
 * bring a browser of this machine over the network. Whether a person sits at it, the terminal tells.
 */
export const hasDesktop = (env: Environment): boolean =>
  Boolean(env.DISPLAY || env.WAYLAND_DISPLAY) && !(env.SSH_CONNECTION || env.SSH_TTY || env.NOTIFY_SOCKET);

/** What a browser has no use for, secrets of the settings among it. */
const OURS = /^(?:PORCHLIGHT_|CREDENTIALS_DIRECTORY$)/;

/** Opens an address in the desktop's own browser. What cannot be opened is no fault: the address is on the screen, too. */
export const openInBrowser = (address: string, env: Environment): void => {
  const passed = Object.fromEntries(Object.entries(env).filter(([name]) => !OURS.test(name)));
  const opener = spawn("xdg-open", [address], { stdio: "ignore", detached: true, env: passed });
  opener.once("error", () => undefined);
  opener.unref();
};
