import { AgentError } from "../errors.ts";
import type { About } from "../model.ts";
import type { Random, Vault } from "../ports.ts";
import type { Connection } from "./connection.ts";
import { encodeDiscovery } from "./discovery.ts";
import { HUB_STATUS, type Topics } from "./topics.ts";

export interface DiscoveryOptions {
  /** Whether the lamps are announced to Home Assistant. */
  readonly on: boolean;
  /** Keeps, under `discovery`, that an announcement of this board lies at a broker. */
  readonly vault: Vault;
  readonly random: Random;
  /** Told when the broker forbids the announcement or its subscription; the lamps obey without it. */
  refused(error: AgentError): void;
}

/** The board's place in Home Assistant. Its methods throw what the connection died of, never a refusal. */
export interface Announcer {
  /** Listens for Home Assistant's start, when the lamps are announced. */
  listen(connection: Connection): Promise<void>;
  /** Announces the lamps, or takes an announcement back that was made before the setting was changed. */
  announce(connection: Connection, about: About): Promise<void>;
}

/**
 * Nothing is published for a board that was never announced: many brokers end the connection of a device that
 * leaves its own topics, and an empty message at every connection would lock such a board out for a setting it never had.
 */
export const createAnnouncer = (topics: Topics, options: DiscoveryOptions | undefined): Announcer => {
  if (options === undefined) return { listen: async () => undefined, announce: async () => undefined };
  const { vault } = options;
  let remembered: Promise<string | undefined> | undefined;

  const known = (): Promise<string | undefined> => {
    remembered ??= vault.read("discovery").then(
      (bytes) => (bytes === undefined ? undefined : new TextDecoder().decode(bytes)),
      () => undefined,
    );
    return remembered;
  };

  const remember = async (topic: string | undefined): Promise<void> => {
    if ((await known()) === topic) return;
    remembered = Promise.resolve(topic);
    // A disk that does not take it costs no more than an entry in Home Assistant that outlives the setting.
    await vault
      .write("discovery", topic === undefined ? undefined : new TextEncoder().encode(topic))
      .catch(() => undefined);
  };

  const unlessForbidden = async (work: Promise<void>): Promise<void> => {
    try {
      await work;
    } catch (error) {
      if (!(error instanceof AgentError && error.code === "BROKER_FORBIDS")) throw error;
      options.refused(new AgentError("BROKER_FORBIDS", `Home Assistant's discovery: ${error.detail}`));
    }
  };

  const publish = (connection: Connection, payload: string): Promise<void> =>
    unlessForbidden(connection.publish({ topic: topics.discovery, payload, retain: true }));

  return {
    listen: async (connection) => {
      if (options.on) await unlessForbidden(connection.subscribe([HUB_STATUS]));
    },
    announce: async (connection, about) => {
      if (options.on) {
        // Published in this very step, so that no state overtakes the traits that it is written in.
        const published = publish(connection, encodeDiscovery(about, topics));
        await Promise.all([published, remember(topics.discovery)]);
      } else if ((await known()) === topics.discovery) {
        await publish(connection, "");
        await remember(undefined);
      }
    },
  };
};
