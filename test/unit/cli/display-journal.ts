// Loaded here so that the display's lazy import of its encoder takes no time below.
import "qrcode-terminal/vendor/QRCode/index.js";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import type { State } from "../../../src/agent/machine.ts";
import { viewOf } from "../../../src/agent/view.ts";
import { AgentError } from "../../../src/errors.ts";
import { openTerminal } from "../../../src/hal/displays/terminal.ts";
import type { Invitation } from "../../../src/model.ts";
import { monoMs } from "../../../src/units.ts";

const head = "2026-11-27T07:29:05+0000 porch start[512]: ";

/** Lines as journalctl shows those that a service has written: journald keeps their indentation, and no empty ones. */
export const asJournal = (text: string): string =>
  text
    .split("\n")
    .flatMap((line) => (line.trim() === "" ? [] : [`${head}${line}\n`]))
    .join("");

const owner = {
  userId: "005000000000009AAA",
  orgId: null,
  name: "Former Owner (previously Smith)",
  username: null,
};

const code = (userCode: string, uri: string): Invitation =>
  ({
    kind: "code",
    userCode,
    verificationUri: uri,
    verificationUriComplete: `${uri}?user_code=${userCode}`,
    expiresAt: monoMs(600_000),
    deviceCode: "device-code",
    intervalMs: 5000,
  }) as never;

const callback = "http://localhost:7878/callback";
const states = [
  { name: "waitingForApproval", invitation: code("ABCDEFGH", "https://login.salesforce.com/setup/connect") },
  // Beside so wide a code is no room for words; and then none for the squares, so that the letters are large.
  { name: "waitingForApproval", invitation: code("BCDEFGHJ", `https://org.example/${"device/".repeat(16)}`) },
  {
    name: "waitingForApproval",
    invitation: code("CDEFGHJK", `https://org.example/${"device/".repeat(220)}`),
  },
  { name: "waitingForApproval", invitation: { kind: "link", url: "u", callback, expiresAt: monoMs(1) } },
  { name: "connecting" },
  { name: "online" },
  {
    name: "pausing",
    error: new AgentError("BROKER_REFUSED"),
    resume: { name: "connecting", attempt: 5 },
    until: null,
  },
] as unknown as readonly State[];

/** What the display `terminal` of a service has written, in the life of a board of this name that had another owner. */
export const displayJournal = async (LANG: string, name: string): Promise<string> => {
  using clock = new VirtualClock();
  let text = "";
  const write = (more: string): boolean => {
    text += more;
    return true;
  };
  const display = openTerminal({ clock, out: { write }, env: { LANG } });
  for (const state of states) {
    display.show(viewOf(state, { id: "porch-1", name, serial: "1" }, owner, null));
    await clock.settle();
  }
  await display[Symbol.asyncDispose]();
  return asJournal(text);
};
