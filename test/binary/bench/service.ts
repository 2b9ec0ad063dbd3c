// The service on a Debian with its own systemd, around it the simulated world: what several tests ask of it.

import type { World } from "../../../firmware-sim/world.ts";
import type { Debian } from "./debian.ts";

const never = new AbortController().signal;

/** What `porchlight status --json` says, as far as the tests ask. */
export interface Answer {
  readonly running: boolean;
  readonly state: string;
  readonly version: string;
  readonly update: {
    readonly version: string;
    readonly outcome: string;
    readonly code: string | null;
  } | null;
  readonly code: { readonly userCode: string; readonly verificationUriComplete: string } | null;
  /** How the run before ended. */
  readonly run: { readonly before: { readonly how: string; readonly signal?: string | null } } | null;
  readonly health?: { readonly status: string };
  readonly lights: readonly { readonly state: { readonly on: boolean } }[];
}

export const statusOf = async (debian: Debian): Promise<Answer> =>
  JSON.parse(await debian.shell("porchlight status --json"));

export const online = (debian: Debian, limitMs?: number): Promise<Answer> =>
  debian.until(
    "the board online",
    async () => {
      const status = await statusOf(debian);
      return status.state === "online" ? status : undefined;
    },
    limitMs,
  );

/** Online, and its start is written down, which comes a moment after that: the run before it ended in this way. */
export const recorded = (debian: Debian, how: string): Promise<Answer> =>
  debian.until(`the board online, and the end of the run before it (${how}) known`, async () => {
    const status = await statusOf(debian);
    return status.state === "online" && status.run?.before.how === how ? status : undefined;
  });

/** The person of the world allows the board that shows a code. */
export const approve = async (debian: Debian, world: World): Promise<void> => {
  const { code } = await debian.until("a code", async () => {
    const status = await statusOf(debian);
    return status.code === null || status.code === undefined ? undefined : status;
  });
  if (code === null) throw new Error("there is no code");
  const answer = await world.person.answerBoard(
    { link: code.verificationUriComplete, userCode: code.userCode },
    "allow",
    never,
  );
  if (answer.kind !== "done") throw new Error(answer.reason);
};

export const property = (debian: Debian, name: string): Promise<string> =>
  debian.shell(`systemctl show --value -p ${name} porchlight.service`);
