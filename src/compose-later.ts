import type { Settings } from "./agent/settings.ts";
import type { Time } from "./agent/time.ts";
import type { DeviceKey } from "./asset-token/key.ts";
import type { Surroundings } from "./compose.ts";
import { assetTokenOptions, streamOpener } from "./compose-settings.ts";
import type { OrgClient } from "./device-flow/org.ts";
import { AgentError } from "./errors.ts";
import type { PublishedKeys } from "./org-keys/published-keys.ts";
import type { AssetTokens, Broker, Guests, Session, SignedCommands, Vault } from "./ports.ts";

// What is not needed for the first request to the org: loaded while a person reads the code, or when it is first used.

/** The parts that are loaded late, as the agent has them. */
export interface Later extends AsyncDisposable {
  readonly assetTokens: AssetTokens;
  readonly broker: Broker;
  readonly signed: SignedCommands;
  readonly guests: Guests;
  /** RFC 7638 thumbprint of the board's key; null while that is not loaded. */
  readonly keyThumbprint: string | null;
  /** All of it may be needed soon. */
  soon(): void;
  /** Signed commands may come any moment. */
  commandsSoon(): void;
}

/** The same promise for every caller; a failed one is made anew. */
export const once = <T>(make: () => Promise<T>): (() => Promise<T>) => {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
};

export const createLater = (
  settings: Settings,
  around: Surroundings,
  parts: {
    readonly vault: Vault;
    readonly org: OrgClient;
    readonly session: Session;
    readonly keys: PublishedKeys;
    /** Ids, in the order of the settings. */
    readonly lights: readonly string[];
    readonly time: Pick<Time, "explained" | "isProven">;
  },
): Later => {
  const { clock, http, journal, random } = around;
  const { vault, org, session, keys, lights } = parts;
  const told = ({ code, message }: AgentError): void =>
    journal.record({ event: "fault", code, message, retryInMs: null });

  let deviceKey: DeviceKey | null = null;
  const assetTokens = once(async (): Promise<AssetTokens> => {
    const { createAssetTokens } = await import("./asset-token/source.ts");
    const { loadDeviceKey } = await import("./asset-token/key.ts");
    deviceKey ??= await loadDeviceKey(vault, settings.assetToken.algorithm, told);
    const options = await assetTokenOptions(settings, org.endpoints, around.readText);
    return createAssetTokens(options, { http, clock, key: deviceKey, keys });
  });
  const broker = once(async (): Promise<Broker> => {
    const { createBroker } = await import("./broker/mqtt.ts");
    const { url, protocol, username, password } = settings.broker;
    const openStream = around.openStream ?? (await streamOpener(settings, around.readText));
    return createBroker({
      url: new URL(url),
      protocol,
      username,
      password,
      deviceId: settings.device.id,
      lights,
      clock,
      discovery: { on: settings.broker.discovery === "homeassistant", vault, random, refused: told },
      openStream: (address, until) =>
        openStream(address, until).catch((error: unknown) => {
          throw parts.time.explained(error);
        }),
    });
  });
  const sure = parts.time.isProven;
  const guests = once(async () => (await import("./owner/guests.ts")).createGuests({ vault, clock, sure }));
  let checker: Promise<SignedCommands & AsyncDisposable> | undefined;
  const signed = once(() => {
    checker = (async () => {
      const { createSignedCommands } = await import("./owner/checker.ts");
      const { createTrust } = await import("./owner/trust.ts");
      // Where an org tells its own addresses and is away, the keys it was found to have before serve on.
      const { dialect, url } = settings.org;
      const whenAway = dialect === "rfc8628" ? { issuers: [url], jwksUrl: null } : null;
      const trust = createTrust(org, whenAway, clock);
      return createSignedCommands(
        {
          clientId: settings.commands.clientId,
          signInHours: settings.commands.signInHours,
          dialect,
          deviceId: settings.device.id,
          lights,
          trust: async (until) => {
            const grant = await session.load();
            if (grant === undefined) throw new AgentError("COMMAND_OWNER_UNKNOWN");
            return trust(grant, until);
          },
        },
        { vault, clock, keys, guests: await guests(), sure },
      );
    })();
    return checker;
  });

  /** Each part once, however often it is asked for: a board may be online again every minute for years. */
  const loading = new Set<Promise<unknown>>();
  const load = (part: Promise<unknown>): void => {
    // A failure here is not lost: the part is made anew, and its failure told, where it is needed.
    part.catch(() => undefined);
    loading.add(part);
  };

  return {
    assetTokens: { issue: async (grant, signal) => (await assetTokens()).issue(grant, signal) },
    broker: {
      connect: async (pass, announcement, previous, signal) =>
        (await broker()).connect(pass, announcement, previous, signal),
    },
    signed: { check: async (payload, owner, signal) => (await signed()).check(payload, owner, signal) },
    guests: {
      list: async (owner) => (await guests()).list(owner),
      admit: async (pass, owner) => (await guests()).admit(pass, owner),
      revoke: async (id, owner) => (await guests()).revoke(id, owner),
      forget: async () => (await guests()).forget(),
    },
    get keyThumbprint() {
      return deviceKey?.thumbprint ?? null;
    },
    soon() {
      load(broker());
      load(signed());
      if (settings.assetToken.mode !== "off") load(assetTokens());
    },
    commandsSoon: () => load(signed()),
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(loading);
      // What it remembers of commands goes to disk.
      await (await checker?.catch(() => undefined))?.[Symbol.asyncDispose]();
    },
  };
};
