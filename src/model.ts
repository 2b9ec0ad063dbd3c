// The data that flows through the agent. No code beyond constants; every part imports these types.

import type { AgentError, ErrorCode } from "./errors.ts";
import type { EpochMs, MonoMs, Secret } from "./units.ts";

// ---------------------------------------------------------------------------------------------- the org

/** What a person is asked to sign the board in with: a code on another device, or a link in a browser that reaches the board. */
export type Invitation = DeviceCode | SignInLink;

/** A device authorization response (RFC 8628 section 3.2), with deadlines instead of durations. */
export interface DeviceCode {
  readonly kind: "code";
  readonly deviceCode: Secret;
  /** What the person types, as the org wrote it. */
  readonly userCode: string;
  readonly verificationUri: string;
  /** The link with the code inside; made by the dialect where the org does not send one. */
  readonly verificationUriComplete: string;
  /** Pause between polls, in milliseconds. */
  readonly intervalMs: number;
  readonly expiresAt: MonoMs;
  readonly expiresAtWall: EpochMs;
}

/** An authorization request (RFC 6749 section 4.1.1 with PKCE), and what only this board knows of it. */
export interface SignInLink {
  readonly kind: "link";
  /** The org's page. Whoever opens it signs in there, and approves. */
  readonly url: string;
  /** Where the org sends the browser afterwards: an address of this machine, letter by letter as it is registered. */
  readonly callback: string;
  /** 128 bits of chance each that the answer, and an ID token, must repeat. */
  readonly state: Secret;
  readonly nonce: Secret | null;
  /** RFC 7636 section 4.1. */
  readonly verifier: Secret;
  /** What `iss` of the answer must be (RFC 9207 section 2.4); null: nobody announced it. */
  readonly issuer: { readonly name: string; readonly required: boolean } | null;
  readonly expiresAt: MonoMs;
  readonly expiresAtWall: EpochMs;
}

/** Who approved: the user and the org, as far as the org tells. */
export interface Identity {
  readonly userId: string;
  readonly name: string;
  readonly username: string | null;
  readonly orgId: string | null;
}

/** What came of a sign-out. */
export interface SignedOut {
  /** There was a sign-in, or what may have been one and could not be read. */
  readonly signedIn: boolean;
  /** The org has ended it; false: it was not told, and still holds it for valid. */
  readonly revoked: boolean;
}

/** What the org gave this board. On disk; both tokens are secret. */
export interface Grant {
  readonly accessToken: Secret;
  readonly refreshToken: Secret | null;
  /** Base URL of the org for this user (Salesforce instance_url), or the issuer. */
  readonly instanceUrl: string;
  /** Scope as granted, space separated, or null when the org does not say. */
  readonly scope: string | null;
  readonly issuedAt: EpochMs;
  /** End of the access token, when the org says so (`expires_in`); Salesforce does not. */
  readonly expiresAt: EpochMs | null;
  readonly identity: Identity | null;
  /** Salesforce `id` URL of the user, where REST answers who it is. */
  readonly idUrl: string | null;
  /** The ID token of the sign-in, when scope openid gave one. */
  readonly idToken: Secret | null;
  /** Which sign-in of the settings it came from, as a hash; null: a person's, of an earlier version. */
  readonly signedInAs: string | null;
  /** Its owner has been told that it is ended: that is seen through, after a restart too. */
  readonly leaving?: true;
}

export type PollAnswer =
  | { readonly kind: "pending" }
  | {
      readonly kind: "slowDown" /** new interval, when the org names one */;
      readonly intervalMs: number | null;
    }
  | { readonly kind: "granted"; readonly grant: Grant };

/** Fields of a record at the org, by the org's own names. */
export type RecordFields = Readonly<Record<string, string | number | boolean | null>>;

/** A JWT that binds user and device (RFC 8693 exchange, or signed by the board itself). Memory only. */
export interface AssetToken {
  readonly jwt: Secret;
  readonly audience: readonly string[];
  readonly expiresAt: EpochMs;
  readonly expiresAtMono: MonoMs;
  /** When to fetch the next one, well before the end. */
  readonly renewAt: MonoMs;
}

// -------------------------------------------------------------------------------------------- the light

export type LightColour =
  | { readonly mode: "none" }
  | { readonly mode: "temperature" /** kelvin */; readonly kelvin: number }
  | { readonly mode: "rgb" /** red, green, blue, each 0..1 as the eye sees it */; readonly rgb: Rgb };

export type Rgb = readonly [number, number, number];

export type LightEffect = "blink" | "identify";
export const lightEffects: readonly LightEffect[] = ["blink", "identify"];

export interface LightState {
  readonly on: boolean;
  /** 0..1 as the eye sees it; kept while off. */
  readonly brightness: number;
  readonly colour: LightColour;
  readonly effect: LightEffect | null;
}

/** Only what should change. `effect: null` ends a running effect. */
export interface LightChange {
  readonly on?: boolean;
  readonly brightness?: number;
  readonly colour?: LightColour;
  readonly effect?: LightEffect | null;
}

/** One output of a lamp. `switch` is on or off; all others are dimmable. */
export type Channel = "switch" | "white" | "warm" | "cold" | "red" | "green" | "blue";

/** What a driver says it has. The shared layer works out everything else from it. */
export interface DriverTraits {
  readonly channels: readonly Channel[];
  /** Colour temperatures of the warm and the cold channel, in kelvin. */
  readonly minKelvin?: number;
  readonly maxKelvin?: number;
  /** The most frames a second the hardware takes during a fade. */
  readonly framesPerSecond: number;
  /** True when the hardware itself makes brightness linear to the eye (a smart bulb); no curve then. */
  readonly perceptual?: boolean;
}

/** Duty 0..1 per channel, in the order of `DriverTraits.channels`, curve already applied. */
export type Frame = readonly number[];

/** What a lamp can do, as commands see it. */
export interface LightTraits {
  readonly dims: boolean;
  readonly temperature: { readonly minKelvin: number; readonly maxKelvin: number } | null;
  readonly rgb: boolean;
  readonly effects: readonly LightEffect[];
}

export type SignalColour = "blue" | "orange" | "white";

/** How the lamp blinks while a code waits, so that who approves knows that it is this lamp. */
export interface Signal {
  /** Null for a lamp without colours. */
  readonly colour: SignalColour | null;
  /** Flashes, 1..4, then a pause, again and again. */
  readonly count: number;
}

export type PowerOn = "last" | "on" | "off";

/** Why the light changed. */
export type LightCause =
  | {
      readonly kind: "command";
      readonly id: string | null /** name of the guest's pass */;
      readonly guest?: string;
    }
  /** The schedule. */
  | { readonly kind: "evening" }
  | { readonly kind: "restore" }
  | { readonly kind: "button" }
  /** Changed at the lamp itself, as by its own remote. */
  | { readonly kind: "lamp" }
  | { readonly kind: "agent" };

export interface LightReport {
  readonly light: string;
  /** Where the lamp is going: reported at once. */
  readonly target: LightState;
  readonly available: boolean;
  readonly fault: AgentError | null;
  readonly cause: LightCause;
}

// ------------------------------------------------------------------------------------------ the broker

export interface Command {
  /** The sender's id for this command (payload `id`, else MQTT 5 correlation data), or null. */
  readonly id: string | null;
  /** The lamp it is for (settings `lights[].id`). */
  readonly light: string;
  readonly change: LightChange;
  /** Length of the fade, in milliseconds, 0..3 600 000. */
  readonly fadeMs: number;
  /** The sender's own end of validity (payload `expiresAt`), when it names one. */
  readonly expiresAt: EpochMs | null;
}

export type ParsedCommand =
  | { readonly ok: true; readonly command: Command }
  | { readonly ok: false; readonly id: string | null; readonly code: ErrorCode; readonly detail: string };

/** A message on a command topic. */
export type Incoming = {
  readonly retained: boolean;
  /** Its MQTT 5 message expiry has run out by the time it is looked at. */
  readonly expired: boolean;
} & (
  | {
      /** `light/set`, parsed at the edge. */
      readonly channel: "plain";
      readonly light: string;
      readonly parsed: ParsedCommand;
    }
  | {
      /** `command` (docs/signed-commands.md): who sent it is to be proven before anything in it counts. */
      readonly channel: "signed";
      /** At most 16 KiB; null when it was larger. */
      readonly payload: Uint8Array | null;
      /** MQTT 5 correlation data, for the answer to a message that is no command. */
      readonly correlation: string | null;
    }
);

// ------------------------------------------------------------------------------- signed commands

/** What a signed command asks for (docs/signed-commands.md). */
export type SignedRequest =
  | {
      readonly do: "light";
      readonly light: string | null;
      readonly change: LightChange;
      readonly fadeMs: number;
    }
  | { readonly do: "admit"; readonly pass: GuestPass }
  | { readonly do: "guests" }
  | { readonly do: "revoke"; readonly pass: string }
  | {
      readonly do: "rename" /** null: the board itself */;
      readonly light: string | null;
      readonly name: string;
    }
  | {
      readonly do: "evening";
      /** `settings`: the board's own again. */
      readonly evening: Evening | null | "settings";
    }
  | { readonly do: "signOut" }
  | { readonly do: "update" };

/** What a guest may be allowed to change. */
export type GuestMay = "switch" | "brightness" | "colour" | "effect";
export const guestMays: readonly GuestMay[] = ["switch", "brightness", "colour", "effect"];

/** A time of day, `HH:MM`, 00:00 to 23:59. */
export type TimeOfDay = string;

/** A guest pass, as the owner's phone signed it. */
export interface GuestPass {
  readonly id: string;
  readonly name: string;
  /** A user of the org, or the RFC 7638 thumbprint of a key together with its public JWK. */
  readonly to:
    | { readonly kind: "user"; readonly userId: string }
    | { readonly kind: "key"; readonly thumbprint: string; readonly jwk: Readonly<Record<string, string>> };
  /** Ids of lamps; null: all. */
  readonly lights: readonly string[] | null;
  readonly may: readonly GuestMay[];
  /** 0..1 as the eye sees it; null: no limit. */
  readonly maxBrightness: number | null;
  readonly from: EpochMs | null;
  readonly until: EpochMs;
  /** Over midnight when `to` is before `from`. */
  readonly daily: { readonly from: TimeOfDay; readonly to: TimeOfDay; readonly timeZone: string } | null;
}

/** A place by WGS 84, in degrees; north and east are positive. */
export interface Place {
  /** -90..90. */
  readonly latitude: number;
  /** -180..180. */
  readonly longitude: number;
}

/** What an org tells of where somebody lives; null is what it does not know, or does not tell. */
export interface OrgHome {
  readonly place: Place | null;
  /** IANA name. */
  readonly timeZone: string | null;
}

/** How the board knows where home is; `timeZone`: only roughly, by the city of its time zone. */
export type HomeSource = "settings" | "org" | "timeZone";

/** When the lamps go on and off every day. */
export interface Evening {
  /** A time of day; or `dusk`, `dusk+30`, `dusk-15`: minutes after or before it gets dark, up to 180. */
  readonly on: string;
  readonly off: TimeOfDay;
  /** IANA name. */
  readonly timeZone: string;
  /** Ids of lamps; null: all. */
  readonly lights: readonly string[] | null;
  /** 0..1 as the eye sees it; null: as it was. */
  readonly brightness: number | null;
  /** Nobody is at home: the lamps go on and off in between as if somebody were. */
  readonly away: boolean;
}

/** Who has proven to have sent a command. */
export type Sender =
  | {
      readonly kind: "owner";
      readonly userId: string /** RFC 7638 thumbprint of the phone's key */;
      readonly key: string;
    }
  | {
      readonly kind: "guest";
      readonly pass: GuestPass;
      /** When the pass counts no more, for today or for good. */
      readonly until: EpochMs;
      readonly key: string;
    };

/** What became of checking a signed command. */
export type SignedVerdict =
  | { readonly ok: true; readonly id: string; readonly sender: Sender; readonly request: SignedRequest }
  | { readonly ok: false; readonly id: string | null; readonly code: ErrorCode; readonly detail: string };

export interface CommandResult {
  readonly id: string | null;
  readonly outcome: "done" | "refused" | "failed";
  readonly code: ErrorCode | null;
  readonly message: string | null;
  readonly light: string;
  readonly state: LightState | null;
  /** After a command about guest passes: those that the board keeps. */
  readonly guests?: readonly GuestPass[];
}

/** How many of the approvals that the org allows one user for one app are in use; one too many ends the oldest. */
export interface Approvals {
  readonly used: number;
  readonly limit: number;
}

/** What the `about` topic says. */
export interface About {
  readonly device: { readonly id: string; readonly name: string; readonly serial: string };
  readonly version: string;
  readonly trust: "owner" | "broker";
  readonly lights: readonly { readonly id: string; readonly name: string; readonly traits: LightTraits }[];
  /** RFC 7638 thumbprint (SHA-256, base64url) of the device key, or null when there is none. */
  readonly keyThumbprint: string | null;
  readonly owner: Identity | null;
  /** When the lamps go on and off by themselves, or null. */
  readonly evening: Evening | null;
  /** Who gave it (the phone also says that there is none), or null. */
  readonly eveningFrom: "phone" | "settings" | null;
  /** The board's own schedule, whether it counts or not, or null. */
  readonly eveningSettings: Evening | null;
  /** Why the evening cannot be followed as it stands, or null. */
  readonly eveningFault: ErrorCode | null;
  /** How the board knows where home is, as far as the evening needs it, or null. */
  readonly homeFrom: HomeSource | null;
  /** Until when the board stays signed in though it reaches no network, or null when no end is known. */
  readonly signedInUntil: EpochMs | null;
  /** Null while the org has not told. */
  readonly approvals: Approvals | null;
  /** What became of the last update, or null. */
  readonly update: UpdateOutcome | null;
  /** When the agent started, and what had ended the run before; null where nobody keeps that. */
  readonly started: Started | null;
  readonly health: Health;
}

/** A start of the agent, and why there was one. */
export interface Started {
  /** ISO 8601, by the board's clock at that time. */
  readonly at: string;
  /**
   * What ended the run before: `first`, there was none; `stopped`, somebody; `error`, itself; `crashed`, a bug of its own;
   * `power`, a cut of power or a reset; `watchdog`, the service manager, because it hung; `memory`, the kernel, because there
   * was none left; `killed`, a signal, or one of the last two where nobody told.
   */
  readonly after: "first" | "stopped" | "error" | "crashed" | "power" | "watchdog" | "memory" | "killed";
  /** With `error`, where it is known. */
  readonly code: ErrorCode | null;
  /** Starts in a row that nobody asked for, this one among them, each within a day of the one before. */
  readonly restarts: number;
}

/** How the board is, in the words of draft-inadarei-api-health-check-06, an expired draft that the field knows. */
export interface Health {
  /** `pass`; `warn`, something is wrong and the lamps obey; `fail`, nobody can move any of them now. */
  readonly status: "pass" | "warn" | "fail";
  /** What is wrong now, the worst first. */
  readonly problems: readonly HealthProblem[];
  /** When the agent started (ISO 8601), by the clock as it is known by now; null while it is not. */
  readonly upSince: string | null;
  /** Starts in a row that nobody asked for, each within a day of the one before; 0 after a day without one. */
  readonly restarts: number;
  /** In the last 24 hours of this run. */
  readonly lastDay: {
    /** Connections to the broker that had to be made anew. */
    readonly reconnects: number;
    /** Commands that were not obeyed. */
    readonly refused: number;
    /** What was told as a fault, passing ones as well. */
    readonly faults: number;
  };
}

export interface HealthProblem {
  readonly code: ErrorCode;
  /** The lamp it is about, or null. */
  readonly light: string | null;
  /** Since when (ISO 8601), as far as this run knows; null while the clock is not known. */
  readonly since: string | null;
}

// ------------------------------------------------------------------------------------------------ updates

/** What became of an update of the program. */
export interface UpdateOutcome {
  readonly version: string;
  readonly outcome: "installed" | "wentBack" | "refused";
  /** Null when it went well. */
  readonly code: ErrorCode | null;
  readonly message: string | null;
  /** ISO 8601, by the board's clock at that time. */
  readonly at: string;
}

// ---------------------------------------------------------------------------------- what a person sees

export interface View {
  readonly device: { readonly id: string; readonly name: string; readonly serial: string };
  readonly state: StateName;
  /** A few words, large: "Scan to make this lamp yours". */
  readonly headline: string;
  /** One sentence below it, or null. */
  readonly detail: string | null;
  /** What a person signs the board in with now, or null. */
  readonly code: ViewCode | null;
  readonly owner: string | null;
  readonly online: boolean;
  readonly problem: {
    readonly code: ErrorCode;
    readonly title: string;
    readonly help: string;
    /** When the agent tries again by itself, or null when it waits for a press. */
    readonly retryAt: MonoMs | null;
    /** A page that helps, shown as a QR code. */
    readonly link?: string;
  } | null;
}

export type ViewCode =
  | {
      readonly kind: "code";
      readonly userCode: string;
      readonly verificationUri: string;
      readonly verificationUriComplete: string;
      readonly expiresAt: MonoMs;
      /** What the first lamp shows meanwhile, or null. */
      readonly signal: Signal | null;
    }
  | {
      readonly kind: "link";
      /** The org's page: a long address that works everywhere, though its end does not. */
      readonly url: string;
      /** The short way to it, in a browser of this machine or through `tunnel`. */
      readonly start: string;
      /** What to type on another computer first. */
      readonly tunnel: string;
      readonly expiresAt: MonoMs;
    };

/** What `porchlight status` shows of a running agent. */
export interface Status {
  readonly view: View;
  readonly since: EpochMs;
  /** When the org last gave tokens to this board. */
  readonly tokensIssuedAt: EpochMs | null;
  readonly identity: Identity | null;
  /** Until when the board stays signed in though it reaches no network, or null when no end is known. */
  readonly signedInUntil: EpochMs | null;
  /** Null while the org has not told. */
  readonly approvals: Approvals | null;
  readonly assetTokenExpiresAt: EpochMs | null;
  readonly broker: { readonly address: string; readonly protocol: "5" | "3.1.1" } | null;
  readonly lights: readonly LightReport[];
  /** The program's version. */
  readonly version: string;
  readonly update: UpdateOutcome | null;
  readonly evening: Evening | null;
  readonly eveningFrom: About["eveningFrom"];
  readonly homeFrom: HomeSource | null;
  /** When the lamps go on or off by themselves next, lamps that do so at other times to seem lived with aside; null: never. */
  readonly eveningNext: { readonly at: EpochMs; readonly on: boolean } | null;
  readonly health: Health;
  /** What the settings give up (codes with remedy `warn`), and why the evening cannot be followed as it stands. */
  readonly warnings: readonly ErrorCode[];
}

/** How a run of the agent ended. */
export interface Ending {
  readonly exitCode: number;
  /** What it stopped for; null: somebody told it to. */
  readonly error: AgentError | null;
}

export type StateName =
  | "starting"
  | "askingCode"
  | "waitingForApproval"
  | "exchanging"
  | "connecting"
  | "online"
  | "pausing"
  | "stopping"
  | "stopped";

// ------------------------------------------------------------------------------------------------ events

/** What the journal tells: one JSON object a line with `--json`. `at` is added by the journal. */
export type AgentEvent =
  | { readonly event: "state"; readonly state: StateName; readonly why?: ErrorCode }
  | {
      readonly event: "code";
      readonly userCode: string;
      readonly verificationUri: string;
      readonly verificationUriComplete: string;
      readonly expiresAt: EpochMs;
      /** How the first lamp blinks until the code is approved, as far as it is known to have colours; null: it does not. */
      readonly signal: Signal | null;
    }
  /** With signIn web, in place of `code`. `start` leads to `url` in a browser of this machine; the org sends it to `callback`. */
  | {
      readonly event: "link";
      readonly url: string;
      readonly start: string;
      readonly callback: string;
      readonly expiresAt: EpochMs;
    }
  | { readonly event: "signedIn"; readonly user: string; readonly org: string | null }
  | { readonly event: "assetToken"; readonly expiresAt: EpochMs }
  | { readonly event: "online"; readonly broker: string; readonly protocol: "5" | "3.1.1" }
  | {
      readonly event: "light";
      readonly light: string;
      readonly state: LightState;
      readonly available: boolean;
      readonly cause: LightCause;
    }
  | {
      readonly event: "command";
      readonly id: string | null;
      readonly light: string;
      readonly outcome: "done";
    }
  /** The owner's phone asked for something other than moving a lamp, and got it. */
  | { readonly event: "request"; readonly id: string; readonly do: Exclude<SignedRequest["do"], "light"> }
  | {
      readonly event: "refused";
      readonly id: string | null;
      readonly code: ErrorCode;
      readonly light: string;
      /** So many of strangers within the last minute, which no event told of one by one. */
      readonly count?: number;
    }
  | {
      readonly event: "fault";
      readonly code: ErrorCode;
      readonly message: string;
      readonly retryInMs: number | null;
    }
  /** A setting gives up some safety; said at every start. */
  | { readonly event: "warning"; readonly code: ErrorCode; readonly message: string }
  | { readonly event: "signedOut"; readonly revoked: boolean }
  | {
      readonly event: "update";
      readonly version: string;
      /** `fetched`: it is installed as soon as no lamp has been on for a while. */
      readonly outcome: "fetched" | UpdateOutcome["outcome"];
      readonly code: ErrorCode | null;
      readonly message: string | null;
    }
  | { readonly event: "stopped"; readonly exitCode: number };
