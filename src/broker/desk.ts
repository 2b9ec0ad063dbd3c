import { asAgentError } from "../errors.ts";
import type { About, CommandResult, Incoming, LightReport, LightTraits } from "../model.ts";
import type { Announcement } from "../ports.ts";
import type { Announcer } from "./announcer.ts";
import { createAnswers, type ReplyTo } from "./answers.ts";
import type { Connection } from "./connection.ts";
import { encodeAbout, encodeState, ONLINE } from "./payloads.ts";
import type { Topics } from "./topics.ts";

/**
 * What the board says, over whichever connection there is: the newest state of every lamp and an answer to every
 * command. It outlives connections, so that nothing said during a hand-over is lost or overtaken by something older.
 */
export interface Desk {
  /** A moment; reports after it are newer than an announcement prepared at it. */
  mark(): number;
  /** Publishes a lamp's state, retained; while one is on its way, only the newest of those that follow is kept. */
  report(report: LightReport): void;
  /** Publishes the answer to a command of this channel; without a connection it waits for the next one. */
  answer(result: CommandResult, to: ReplyTo, channel: Incoming["channel"]): void;
  /**
   * From now on everything goes over this connection. Resolves when it has acknowledged `online`, `about`, and the
   * states: those of the announcement, or newer ones reported after `mark`.
   */
  attach(connection: Connection, announcement: Announcement, mark: number): Promise<void>;
  /** Says what the board is, and the states in the traits that it has now, unless that was said already. */
  announce(about: About): void;
  /**
   * Says to a hub that has just started what it may have missed where the broker keeps nothing for it. Resolves when
   * that is acknowledged, or the connection no good.
   */
  greet(): Promise<void>;
  /** Says nothing more over this connection. */
  detach(connection: Connection): void;
}

interface Lamp {
  newest: LightReport;
  reportedAt: number;
  waiting: boolean;
  /** Under way or over, as `busy` says. */
  sending: Promise<void>;
  busy: boolean;
}

/** What Home Assistant and the lamps' states depend on; the rest of `about` changes without them. */
const looksOf = ({ device, version, lights }: About): string => JSON.stringify([device, version, lights]);

export const createDesk = (topics: Topics, announcer: Announcer): Desk => {
  const lamps = new Map<string, Lamp>();
  let traits: ReadonlyMap<string, LightTraits> = new Map();
  const answers = createAnswers(topics, (light) => traits.get(light) ?? null);
  let connection: Connection | undefined;
  let told: About | undefined;
  let toldText = "";
  let reports = 0;

  const note = (report: LightReport): Lamp => {
    const lamp = lamps.get(report.light);
    if (lamp === undefined) {
      const fresh: Lamp = {
        newest: report,
        reportedAt: reports,
        waiting: true,
        sending: Promise.resolve(),
        busy: false,
      };
      lamps.set(report.light, fresh);
      return fresh;
    }
    lamp.newest = report;
    lamp.reportedAt = reports;
    lamp.waiting = true;
    return lamp;
  };

  /** Sends a lamp's newest state until none waits; throws what the connection it used last died of. */
  const sendWaiting = async (lamp: Lamp): Promise<void> => {
    try {
      for (let via = connection; via !== undefined && lamp.waiting; via = connection) {
        const can = traits.get(lamp.newest.light);
        if (can === undefined) return;
        lamp.waiting = false;
        const payload = encodeState(lamp.newest, can);
        try {
          await via.publish({ topic: topics.state(lamp.newest.light), payload, retain: true });
        } catch (error) {
          lamp.waiting = true;
          if (via === connection) {
            connection = undefined;
            via.abandon(asAgentError(error));
            throw error;
          }
        }
      }
    } finally {
      // In the very step in which nothing waited any more: a report that comes a microtask later starts anew.
      lamp.busy = false;
    }
  };

  const send = (lamp: Lamp): Promise<void> => {
    if (lamp.busy) return lamp.sending;
    lamp.busy = true;
    lamp.sending = sendWaiting(lamp);
    return lamp.sending;
  };

  const isNow = (about: About): void => {
    told = about;
    toldText = encodeAbout(about, topics);
    traits = new Map(about.lights.map((light) => [light.id, light.traits]));
  };

  const sayStates = (): Promise<void>[] =>
    [...lamps.values()].map((lamp) => {
      lamp.waiting = true;
      return send(lamp);
    });

  const sayAbout = (via: Connection): Promise<void> =>
    via.publish({ topic: topics.about, payload: toldText, retain: true });

  const sayOnline = (via: Connection): Promise<void> =>
    via.publish({ topic: topics.availability, payload: ONLINE, retain: true });

  /** What is said between a connection's beginning and its end; when it cannot be, the connection is no good. */
  const meanwhile = async (via: Connection, work: readonly Promise<void>[]): Promise<void> => {
    try {
      await Promise.all(work);
    } catch (error) {
      if (via === connection) via.abandon(asAgentError(error));
    }
  };

  return {
    mark: () => reports,
    report: (report) => {
      reports++;
      send(note(report)).catch(() => {});
    },
    answer: answers.give,
    attach: async (next, announcement, mark) => {
      connection = next;
      isNow(announcement.about);
      for (const report of announcement.lights)
        if ((lamps.get(report.light)?.reportedAt ?? 0) <= mark) note(report);
      await Promise.all([
        announcer.announce(next, announcement.about),
        sayAbout(next),
        ...sayStates(),
        sayOnline(next),
      ]);
      // Only now: a connection that breaks before this leaves them for the next one.
      answers.attach(next);
    },
    announce: (about) => {
      const via = connection;
      if (via === undefined || encodeAbout(about, topics) === toldText) return;
      const same = told !== undefined && looksOf(told) === looksOf(about);
      isNow(about);
      void meanwhile(
        via,
        same ? [sayAbout(via)] : [announcer.announce(via, about), sayAbout(via), ...sayStates()],
      );
    },
    greet: async () => {
      const via = connection;
      if (via === undefined || told === undefined) return;
      await meanwhile(via, [announcer.announce(via, told), ...sayStates(), sayOnline(via)]);
    },
    detach: (gone) => {
      answers.detach(gone);
      if (connection === gone) connection = undefined;
    },
  };
};
