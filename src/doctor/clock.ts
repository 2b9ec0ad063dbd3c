import type { HttpRequest, HttpResponse } from "../ports.ts";
import { type EpochMs, iso, MOST_SKEW_MS } from "../units.ts";
import { type Finding, notTried, ok, type Step, warning, wrong } from "./check.ts";
import { judgeClock } from "./org-reach.ts";

/** What systemd says of the clock; null where it was not asked or does not say. */
export interface TimeService {
  /** Something keeps the clock right: the kernel has been told so. */
  readonly synchronised: boolean | null;
  /** systemd's own time service is switched on. */
  readonly enabled: boolean | null;
}

const yes = (text: string, name: string): boolean | null => {
  const said = new RegExp(`^${name}=(yes|no)$`, "m").exec(text)?.[1];
  return said === undefined ? null : said === "yes";
};

/** Reads what `timedatectl show` prints; null: there is none. */
export const readTimeService = (text: string | null): TimeService => ({
  synchronised: yes(text ?? "", "NTPSynchronized"),
  enabled: yes(text ?? "", "NTP"),
});

export const judgeTimeService = ({ synchronised, enabled }: TimeService): Finding => {
  if (synchronised === null) return notTried("systemd does not tell");
  if (synchronised) return ok("something keeps the clock right");
  return enabled === true
    ? warning(
        "the time service is on, but has reached nobody yet",
        "Until then the clock says what it said at the start.",
        "Wait a minute; then look at: timedatectl timesync-status, and whether UDP port 123 is open to the outside.",
      )
    : warning(
        "nothing keeps the clock right",
        "It drifts by seconds a day; after some weeks the org takes nothing that the board has signed.",
        "sudo timedatectl set-ntp true, or install chrony.",
      );
};

/** The clock against a moment that the board has seen org and clock agree on, in an earlier run or this one. */
export const judgePast = (past: EpochMs | null, wall: EpochMs): Finding => {
  if (past === null) return notTried("this board has not seen its org and its clock agree yet");
  if (wall >= past - MOST_SKEW_MS) return ok(`it is later than what is certainly past, ${iso(past)}`);
  return wrong(
    `it says ${iso(wall)}, and ${iso(past)} is past`,
    "The board does not go by this clock until it is right, or the org has told the time.",
    "Let the board reach a time server. If that moment is still to come, stop porchlight, remove time.1 and time.2 from the state folder, and start it.",
    "CLOCK_UNSET",
  );
};

export const clockSteps = (
  subject: { readonly orgUrl: string },
  ports: {
    readonly timeService: () => Promise<TimeService>;
    readonly wall: () => EpochMs;
    readonly wallKnown: () => boolean;
    /** What is certainly past; null where the state folder does not say. */
    readonly past: () => Promise<EpochMs | null>;
    readonly http: (request: HttpRequest, signal: AbortSignal) => Promise<HttpResponse>;
  },
): readonly Step[] => [
  {
    id: "kept",
    title: "Who keeps the clock",
    notNow: () => null,
    look: async () => judgeTimeService(await ports.timeService()),
  },
  {
    id: "past",
    title: "The clock and what is past",
    notNow: () => null,
    look: async () => judgePast(await ports.past(), ports.wall()),
  },
  {
    id: "org",
    title: "The clock and the org's",
    notNow: () => null,
    async look(signal) {
      const known = ports.wallKnown();
      if (!known) return judgeClock(undefined, { wall: ports.wall(), known });
      const response = await ports
        .http({ method: "GET", url: subject.orgUrl, headers: {} }, signal)
        .catch(() => null);
      signal.throwIfAborted();
      return response === null
        ? notTried("the org does not answer")
        : judgeClock(response.headers.date, { wall: ports.wall(), known });
    },
  },
];
