import type { ErrorCode } from "../errors.ts";
import type { About, Signal, SignedOut } from "../model.ts";
import type { Broker, Callbacks, Clock, Guests, Journal, Light, Org, Random, Session } from "../ports.ts";
import type { AssetKeeper } from "./asset-keeper.ts";
import type { Commands } from "./commands.ts";
import type { CredentialSource, Credentials } from "./credentials.ts";
import type { EveningKeeper } from "./evening.ts";
import type { HealthKeeper } from "./health-keeper.ts";
import type { Home } from "./home.ts";
import type { Names } from "./names.ts";
import type { Standing } from "./standing.ts";
import type { Time } from "./time.ts";
import type { UpdateNews } from "./update-news.ts";
import type { Upkeep } from "./upkeep.ts";

/** What the activities of all states are given. */
export interface ActivityParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly org: Org;
  readonly session: Session;
  /** Where browsers come back to, and what people bring by hand. */
  readonly callbacks: Callbacks;
  readonly credentials: Pick<CredentialSource, "needsTime" | "obtain">;
  readonly upkeep: Upkeep;
  readonly broker: Broker;
  readonly commands: Commands;
  readonly lights: ReadonlyMap<string, Light>;
  readonly journal: Journal;
  readonly about: (credentials: Credentials) => About;
  readonly health: Pick<HealthKeeper, "tell" | "subscribe">;
  /** Told what became of a renewal while online; null: it went well. */
  readonly renewed: (fault: ErrorCode | null) => void;
  readonly updateNews: UpdateNews;
  readonly guests: Guests;
  readonly names: Names;
  readonly evening: EveningKeeper;
  readonly home: Home;
  /** Null where the settings want nothing written at the org. */
  readonly asset: AssetKeeper | null;
  readonly standing: Standing;
  /** For requests that may bring a sign-in, or end one: outlives the leaving of a state (device-flow/patience.ts). */
  readonly patience: AbortSignal;
  readonly time: Time;
  /** What the first lamp blinks while this code waits, or null. */
  readonly signalFor: (userCode: string) => Signal | null;
  /** Told when a sign-out has been carried out, and what came of it. */
  readonly onSignedOut: (outcome: SignedOut) => void;
}
