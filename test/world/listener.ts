import { statusAnswer } from "../../src/adapters/control-answers.ts";
import { createJsonJournal, createPeopleJournal } from "../../src/adapters/journal.ts";
import { wordsOf } from "../../src/hal/displays/words.ts";
import type { AgentEvent } from "../../src/model.ts";
import type { Vault } from "../../src/ports.ts";
import type { Told } from "./leaks.ts";
import type { Stage } from "./stage.ts";

/** Files that hold secrets because that is what they are for. */
const meant: readonly string[] = ["grant", "device-key"];

/** Hears everything that the board on a stage tells, in whatever way. Begin with it before the board is started. */
export const listenTo = (stage: Stage) => {
  const { world, clock } = stage;
  const told: Told[] = [];
  const tell = (where: string, text: string): void => {
    told.push({ where, text });
  };

  const stops = [
    world.broker.observe(({ topic, payload, from }) => {
      if (from === world.deviceId) tell(`topic ${topic}`, `${topic} ${payload.toString("latin1")}`);
    }),
    world.board.subscribe(() => {
      const { view } = world.board;
      if (view === null || view === undefined) return;
      tell("view", JSON.stringify(view));
      const words = wordsOf(view, { columns: 200, tight: false, now: clock.mono() });
      tell("display", JSON.stringify(words));
    }),
  ];

  const { vault } = stage;
  const heard: Vault = {
    ...vault,
    write: async (key, value, generations) => {
      if (!meant.includes(key)) tell(`file ${key}`, Buffer.from(value ?? []).toString("latin1"));
      await vault.write(key, value, generations);
    },
  };
  stage.vault = heard;

  return {
    tell,
    /** What a person or a program is told of an error. */
    error(error: Error | null): void {
      if (error !== null) tell("error", `${error} ${JSON.stringify(error)} ${error.stack}`);
    },
    async status(): Promise<void> {
      tell("status", JSON.stringify(statusAnswer(await stage.status(), clock)));
    },
    /** All of it, the links to sign in with left out: what is in them is public while they are shown. */
    all(events: readonly AgentEvent[]): readonly Told[] {
      for (const stop of stops.splice(0)) stop();
      for (const create of [createJsonJournal, createPeopleJournal]) {
        const journal = create((line) => tell(`journal of ${create.name}`, line), clock);
        for (const event of events) journal.record(event);
      }
      for (const event of events) tell("event", JSON.stringify(event));
      for (const message of world.wire.messages) tell("story", JSON.stringify(message));
      for (const { path, query } of world.org.received)
        if (/^\/services\/(?:data|oauth2\/(?!authorize))/.test(path))
          tell("address", `${path} ${JSON.stringify(query)}`);
      const links = events.flatMap((event) =>
        event.event === "link" ? [event.url, JSON.stringify(event.url)] : [],
      );
      return told.map(({ where, text }) => ({
        where,
        text: links.reduce((rest, link) => rest.replaceAll(link, "[link]"), text),
      }));
    },
  };
};
