// Everything the agent needs from outside, as interfaces. Time, chance, network, disk and hardware come in
// through these; `src/adapters`, `src/hal/drivers` and the simulator implement them.
//
// AbortSignal is always the last parameter. An aborted operation rejects with `signal.reason`.

import type { AgentError } from "./errors.ts";
import type {
  About,
  AgentEvent,
  AssetToken,
  CommandResult,
  DeviceCode,
  DriverTraits,
  Frame,
  Grant,
  GuestPass,
  Identity,
  Incoming,
  LightCause,
  LightChange,
  LightReport,
  LightState,
  LightTraits,
  OrgHome,
  PollAnswer,
  RecordFields,
  Signal,
  SignedOut,
  SignedVerdict,
  SignInLink,
  Status,
  UpdateOutcome,
  View,
} from "./model.ts";
import type { EpochMs, MonoMs, Secret } from "./units.ts";

export interface Clock {
  /** The wall clock. May be wrong until the board has been told the time. */
  wall(): EpochMs;
  /** False while the wall clock cannot be right: sign and check nothing yet. Cheap, and asked often. */
  wallKnown(): boolean;
  /** The monotonic clock: every interval and deadline uses this one. */
  mono(): MonoMs;
  /** Resolves after `ms`; rejects with the signal's reason when aborted. Leaves no timer, no listener. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** A number 0 <= x < 1, for jitter only, never for keys. */
export type Random = () => number;

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  readonly url: string;
  /** Lower-case names. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HttpResponse {
  readonly status: number;
  /** Lower-case names; repeated headers joined with ", ". */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * One request. Body size is capped and time limited by the adapter; redirects are not followed.
 * Throws ORG_UNREACHABLE, ORG_TIMEOUT, ORG_TLS, ORG_ANSWER_TOO_LARGE. Any HTTP status is an answer, not an error.
 */
export type Http = (request: HttpRequest, signal: AbortSignal) => Promise<HttpResponse>;

/** Names of what is kept; each is one file. `light-<id>` holds a lamp's last state, `probe` nothing: whether it can be written. */
export type VaultKey =
  | "device-key"
  | "grant"
  | "discovery"
  | "org-keys"
  | "replay"
  | "guests"
  | "names"
  | "evening"
  | "home"
  | "asset"
  | "probe"
  | "time"
  | `light-${string}`;

export interface Vault {
  /**
   * Where the newest generation is damaged the one before it serves; with `newest` that is STATE_DAMAGED, as it is where
   * nothing is left. Throws STATE_LOCKED, STATE_NEWER, and STATE_UNWRITABLE where it may not be read.
   */
  read(key: VaultKey, least?: "newest"): Promise<Uint8Array | undefined>;
  /**
   * Durable when it resolves. `undefined` removes, so that nothing of it comes back. With `both`, the value is there
   * twice, and nothing older can come back in its stead. Throws STATE_UNWRITABLE: then the old value or the new one is
   * there after a restart. Throws STATE_LOCKED and STATE_NEWER, and has overwritten nothing.
   */
  write(key: VaultKey, value: Uint8Array | undefined, generations?: "both"): Promise<void>;
  /** Looks, and writes nothing. Throws STATE_LOCKED where `write` would, whatever is free on the disk. */
  ready(): Promise<void>;
  /** Moves what is there, and makes no sense, out of the way, for a person to look at. Throws STATE_UNWRITABLE. */
  setAside(key: VaultKey): Promise<void>;
  /**
   * Brings what is there to the form in which it would be written now, where encryption was switched on or off, and with
   * `proven` also where an older version of the program wrote it, which could not read it any more. Writes nothing where
   * all is so. Throws what `write` throws.
   */
  settle(proven: boolean): Promise<void>;
  /** Runs `work` while no other process holds the lock of that name. Released even by SIGKILL. */
  locked<T>(name: "grant" | "agent", work: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** The vault of a running board, which knows what to make good. */
export interface WatchedVault extends Vault {
  /**
   * With `orElse`, a write that fails as STATE_UNWRITABLE is made good: what counts in this run without it is written over
   * what may be there, at once and then each minute until the disk takes it. Only a cut of power before that may still
   * show the one that failed.
   */
  write(key: VaultKey, value: Uint8Array | undefined, how?: "both" | OrElse): Promise<void>;
}

/** What counts where the write fails; undefined: nothing is kept. */
export interface OrElse {
  readonly orElse: Uint8Array | undefined;
}

/** The org's token service: each call is one exchange on the wire. Faults are AgentError. */
export interface Org {
  askCode(signal: AbortSignal): Promise<DeviceCode>;
  /** Never call again with a code that was granted: it can kill the grant. */
  poll(code: DeviceCode, signal: AbortSignal): Promise<PollAnswer>;
  /**
   * One sign-in without a person, where the settings give the board credentials of its own: a new grant without a refresh
   * token, and this again when its access token ends.
   */
  signIn?(signal: AbortSignal): Promise<Grant>;
  /** Goes with `signIn`: who that is says an identity provider, and it may say another from one to the next. */
  readonly userMayChange?: boolean;
  /** What its grants carry as `signedInAs`, the same as long as the settings name the same sign-in. */
  signsInAs?(): string;
  /** In place of `askCode` and `poll`, where the settings want a person to sign the board in with a browser. */
  readonly web?: WebSignIn;
  /** One refresh; the answer keeps the old refresh token where the org does not rotate. */
  refresh(grant: Grant, signal: AbortSignal): Promise<Grant>;
  identify(grant: Grant, signal: AbortSignal): Promise<Identity>;
  revoke(grant: Grant, signal: AbortSignal): Promise<void>;
  /**
   * True where to revoke `grant` leaves `other` alone, which this client has, too. Servers may end all that a user has given to a
   * client with any token of it (RFC 7009 section 2.1).
   */
  revokesAlone(grant: Grant, other: Grant): boolean;
  /** How many approvals the grant's user has given to this client; null when the org does not tell. */
  approvals(grant: Grant, signal: AbortSignal): Promise<number | null>;
  /**
   * Where the grant's user lives, to a tenth of a degree, else where the asset with this serial number stands; and the user's
   * time zone.
   */
  home(grant: Grant, serial: string, signal: AbortSignal): Promise<OrgHome>;
  /** The boards' Asset records; left out by orgs that have no such thing. */
  readonly assets?: OrgAssets;
}

/** Asset records. Both throw ASSET_RECORD_UNKNOWN, ASSET_RECORD_CLOSED, ACCESS_TOKEN_REJECTED and ORG_*. */
export interface OrgAssets {
  /** The id of the one record with this serial number. */
  find(grant: Grant, serial: string, signal: AbortSignal): Promise<string>;
  /** Changes fields, by the org's own names. */
  write(grant: Grant, id: string, fields: RecordFields, signal: AbortSignal): Promise<void>;
}

/**
 * What `org.assertion` names, as it is at that moment: at most 96 KiB, nothing checked yet.
 * Throws ASSERTION_UNREADABLE, ASSERTION_COMMAND_FAILED.
 */
export type AssertionSource = (signal: AbortSignal) => Promise<Uint8Array>;

/** The web server flow (RFC 6749 section 4.1) of a program on the person's machine (RFC 8252). */
export interface WebSignIn {
  /** Where the org sends the browser afterwards. */
  readonly callback: string;
  /** A new link; with a standard server, after asking where its pages are. */
  ask(signal: AbortSignal): Promise<SignInLink>;
  /**
   * One exchange of an authorization code. Again with the same code only when no answer came: the org may then give the
   * grant, or end the one that got lost. Throws CODE_INVALID, CLIENT_UNKNOWN, WEB_FLOW_DISABLED and the like.
   */
  redeem(link: SignInLink, code: Secret, signal: AbortSignal): Promise<Grant>;
}

/** Listens where the org sends browsers. */
export interface Callbacks {
  /** What other computers call this machine. */
  readonly host: string;
  /**
   * Listens at the loopback address `callback` until it is disposed, and calls `visited` for each browser that comes there.
   * On dispose, those that still wait are told that nobody waits for them any more. Throws CALLBACK_CLOSED when it cannot listen.
   */
  open(
    callback: string,
    visited: (visit: CallbackVisit) => void,
    signal: AbortSignal,
  ): Promise<CallbackListener>;
}

export interface CallbackListener extends AsyncDisposable {
  /** Where the short address of this machine leads from now on. */
  lead(url: string): void;
}

/** Somebody brings what may be the org's answer. */
export interface CallbackVisit {
  /** The address that the org sent the browser to, with its query; at most 8192 characters. */
  readonly address: string;
  /** Tells them what came of it: null, the board is signed in. Only the first call counts. */
  answer(outcome: AgentError | null): void;
}

/** The sign-in as the agent holds it: durable, one refresh at a time in and across processes. */
export interface Session {
  /**
   * The stored grant, read anew from disk; undefined when not signed in. With `signal` a second look is given a bad moment of
   * the disk before the grant of an older generation counts.
   */
  load(signal?: AbortSignal): Promise<Grant | undefined>;
  /** Throws STATE_LOCKED where a sign-in could not be kept: nobody is to be asked for one. */
  ready(): Promise<void>;
  /**
   * Stores a new sign-in before anyone may use it. Where the disk takes nothing it serves from memory, unless another one is
   * there: then throws STATE_UNWRITABLE, and the other one serves on, whatever of the new one got on the disk.
   */
  adopt(grant: Grant): Promise<void>;
  /**
   * A grant whose access token is fit for use: the stored one, or a refreshed one when it is about to end or
   * is the `rejected` one. The refreshed grant is on disk before this resolves, or in memory where the disk takes nothing.
   */
  fresh(rejected: Secret | undefined, signal: AbortSignal): Promise<Grant>;
  /** Changes what is remembered with the grant (never its tokens), read and written under the lock. */
  annotate(identity: Identity): Promise<void>;
  /**
   * Removes the grant from disk. Throws STATE_UNWRITABLE, and it serves on; not of one that is `gone` because the org has
   * ended it: what is worth nothing is forgotten in memory, where the disk takes nothing.
   */
  forget(gone?: "gone"): Promise<void>;
  /** Marks it as one that is ended; the next start goes on with that. Throws STATE_UNWRITABLE, and it is not marked. */
  leave(): Promise<void>;
  /** Moves a grant that cannot be read out of the way. Throws STATE_UNWRITABLE. */
  setAside(): Promise<void>;
  /** Tries again to get on the disk what is only in memory; true when nothing is any more. Throws what reading the vault throws. */
  persist(): Promise<boolean>;
}

/** Makes and renews asset tokens. Throws ACCESS_TOKEN_REJECTED when the org wants a fresher access token. */
export interface AssetTokens {
  issue(grant: Grant, signal: AbortSignal): Promise<AssetToken>;
}

// --------------------------------------------------------------------------------------------- broker

/** What the board shows the broker. Static credentials (password, certificate, none) come from the settings. */
export type BrokerPass =
  | { readonly kind: "token"; readonly token: Secret; readonly expiresAtMono: MonoMs | null }
  | { readonly kind: "static" };

export interface Broker {
  /**
   * Connects, subscribes, and says `online` with states. With `previous`, takes over from that link so that no
   * QoS 1 command is lost and availability does not flap; `previous` is closed when this resolves.
   * Throws BROKER_* errors.
   */
  connect(
    pass: BrokerPass,
    announce: Announcement,
    previous: Link | undefined,
    signal: AbortSignal,
  ): Promise<Link>;
}

/** Published, retained, at every new connection. */
export interface Announcement {
  readonly about: About;
  readonly lights: readonly LightReport[];
}

export interface Link extends AsyncDisposable {
  readonly protocol: "5" | "3.1.1";
  /** Host and port, for people. */
  readonly address: string;
  /** Commands in the order they came. Ends when the link is closed or lost. */
  readonly requests: AsyncIterable<CommandRequest>;
  /** Resolves (never rejects) when the connection ends other than by closing it here. */
  readonly lost: Promise<AgentError>;
  /** Publishes a lamp's state, retained. Only the newest waiting report of a lamp is sent. */
  report(report: LightReport): void;
  /** Says what the board is again, if that has changed, as when a lamp's hardware is known at last. */
  announce(about: About): void;
  /** Says `offline`, waits for what is not yet acknowledged (bounded), disconnects. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Proves who sent a command (docs/signed-commands.md). */
export interface SignedCommands {
  /**
   * Checks everything but what depends on the lamp's own state (`limited` in src/owner/passes.ts), and remembers the command: it
   * counts once, also over restarts. `owner` is who approved this board, or null while nobody knows. Commands are checked in
   * the order of the calls. Never rejects but with the signal's reason.
   */
  check(payload: Uint8Array, owner: Identity | null, signal: AbortSignal): Promise<SignedVerdict>;
}

/** The guest passes of this board's owner, kept over restarts. Passes of another owner, and those that have ended, are forgotten. */
export interface Guests {
  /** Throws STATE_UNWRITABLE where the disk cannot be looked at now. */
  list(owner: Identity): Promise<readonly GuestPass[]>;
  /** Keeps a pass in place of the one with its id. Throws GUESTS_FULL, STATE_UNWRITABLE. */
  admit(pass: GuestPass, owner: Identity): Promise<void>;
  /** False when there is no such pass. Throws STATE_UNWRITABLE. */
  revoke(id: string, owner: Identity): Promise<boolean>;
  /** Forgets all passes: nobody owns the board any more. Throws STATE_UNWRITABLE. */
  forget(): Promise<void>;
}

export interface CommandRequest {
  readonly incoming: Incoming;
  /** Publishes the result to the response topic, else to `result`. Never throws. */
  answer(result: CommandResult): void;
}

// ------------------------------------------------------------------------------------------------ light

/** The smallest possible lamp: say what you have, write a frame, close. */
export interface LightDriver extends AsyncDisposable {
  readonly traits: DriverTraits;
  /** Throws AgentError LIGHT_FAULT when the hardware does not take it; the lamp retries. */
  write(frame: Frame, signal: AbortSignal): Promise<void>;
  /**
   * What the hardware says that it shows; undefined when it cannot say. Asked every few seconds while nothing is
   * written, so that a lamp that has gone, or was changed by its own remote, is noticed. Throws LIGHT_FAULT once it has gone.
   */
  shown?(signal: AbortSignal): Promise<Frame | undefined>;
}

/** `address` is the part of the settings' driver text behind the first colon: `memory:` gives "". */
export type OpenDriver = (
  address: string,
  ports: { clock: Clock },
  signal: AbortSignal,
) => Promise<LightDriver>;

/** A lamp with everything shared: merging, fades, curve, effects, memory of its state. */
export interface Light extends AsyncDisposable {
  readonly id: string;
  readonly name: string;
  readonly traits: LightTraits;
  /** Where it is going: reported at once. */
  readonly target: LightState;
  /** What it shows now, a signal aside; differs from target during a fade or an effect. */
  readonly shown: LightState;
  /** Set while the hardware does not answer. */
  readonly fault: AgentError | null;
  /**
   * Applies a change; resolves when the first frame is written. A later call ends a running fade.
   * Throws LIGHT_CANNOT (nothing changed) or LIGHT_FAULT (the target is kept and written when the hardware is back).
   */
  apply(
    change: LightChange,
    options: { fadeMs: number; cause: LightCause },
    signal: AbortSignal,
  ): Promise<LightState>;
  /**
   * Blinks a pattern over whatever the lamp shows, until null is given, `apply` moves the lamp, or it is closed. Target,
   * memory and reports know nothing of it, and the lamp is afterwards as it was.
   */
  signal(pattern: Signal | null): void;
  /** The pattern that it blinks now: without a colour where it has none, null where its hardware does not answer. */
  readonly signalled: Signal | null;
  /** Calls `listener` at every change of target or availability; returns the way to stop. */
  subscribe(listener: (report: LightReport) => void): () => void;
}

// ------------------------------------------------------------------------------------------- people

export interface Display extends AsyncDisposable {
  /** Never throws, never waits. */
  show(view: View): void;
}

/** Of the board's button: toggles the lamp, asks for a new code, signs out. */
export type Input = "press" | "longPress" | "veryLongPress";

/** Button or key presses. Ends when `signal` of whoever made it is aborted. */
export type Inputs = AsyncIterable<Input>;

/** What another process on the same board may ask of the running agent (control socket, same user only). */
export type ControlRequest =
  | { readonly kind: "status"; answer(status: Status): void }
  | {
      readonly kind: "light";
      readonly light: string;
      readonly change: LightChange;
      readonly fadeMs: number;
      answer(result: CommandResult): void;
    }
  /** Null while nobody owns the board. */
  | {
      readonly kind: "guests";
      answer(passes: readonly GuestPass[] | null): void;
      fail(error: AgentError): void;
    }
  /** False when there is no such pass. */
  | {
      readonly kind: "revokeGuest";
      readonly pass: string;
      answer(revoked: boolean): void;
      fail(error: AgentError): void;
    }
  /** The address that a browser elsewhere ended on, after a sign-in by link. */
  | { readonly kind: "callback"; readonly address: string; answer(): void; fail(error: AgentError): void }
  /** A new code or link in place of one that is dead. False where the board waits for nobody's press. */
  | { readonly kind: "newCode"; answer(asked: boolean): void }
  /** Fails where the disk does not forget, which is tried again all the same. */
  | {
      readonly kind: "signOut";
      answer(outcome: SignedOut): void;
      fail(error: AgentError): void;
    };

export type Controls = AsyncIterable<ControlRequest>;

/** New versions of the program, as the running agent sees them. */
export interface Updates {
  /**
   * Looks for a new version and fetches it; null when there is none for this board. Throws UPDATE_UNREACHABLE,
   * UPDATE_SIGNATURE, UPDATE_DAMAGED, UPDATE_UNFIT, UPDATE_CANNOT_WRITE.
   */
  fetch(signal: AbortSignal): Promise<{ readonly version: string } | null>;
  /** Has what was fetched installed; the service manager then ends this program. Throws UPDATE_CANNOT_WRITE. */
  request(): Promise<void>;
  /** What became of the last update, or null. */
  last(): Promise<UpdateOutcome | null>;
}

export interface Journal {
  record(event: AgentEvent): void;
}
