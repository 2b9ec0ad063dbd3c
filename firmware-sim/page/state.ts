// What the page is told, as data. The server fills it in (../page-server.ts), the browser draws it. Types only.

import type { LightChange, LightState } from "../../src/model.ts";
import type { WireMessage } from "../wire.ts";

/** Modules of a QR code, row by row, "1" is dark; without the quiet zone. */
export interface QrPicture {
  readonly size: number;
  readonly modules: string;
}

export interface BoardPicture {
  readonly name: string;
  readonly serial: string;
  /** Name of the agent's state, for the status light. */
  readonly state: string;
  readonly headline: string;
  readonly detail: string | null;
  readonly owner: string | null;
  /** Somebody has allowed this board at the org. */
  readonly approved: boolean;
  readonly online: boolean;
  readonly code: {
    readonly userCode: string;
    readonly link: string;
    readonly linkWithCode: string;
    readonly msLeft: number;
    /** `The lamp blinks blue, 3 times`, or null. */
    readonly signal: string | null;
    /** Null while it is being drawn. */
    readonly qr: QrPicture | null;
  } | null;
  /** What a browser on this computer opens, where the board is signed in with one. */
  readonly link: string | null;
  readonly problem: { readonly title: string; readonly help: string; readonly code: string } | null;
}

/** The light that leaves the lamp: full-scale sRGB, and how bright that looks, 0..1. */
export interface LampPicture {
  readonly rgb: readonly [number, number, number];
  readonly seen: number;
  readonly words: string;
}

/** A line of the board: the level of an input or output, 0 or 1, or the duty of a PWM output, 0..1. */
export interface PinPicture {
  readonly name: string;
  readonly use: string;
  readonly kind: "input" | "output" | "pwm";
  readonly level: number;
  /** The agent holds it. */
  readonly inUse: boolean;
}

/** A bulb that is driven over Bluetooth. */
export interface BulbPicture {
  readonly name: string;
  readonly address: string;
  readonly connected: boolean;
  /** What was last written to it, in hex. */
  readonly written: string;
  readonly light: LampPicture;
}

/** Pixels of a panel, as runs of one ink: `a400b3…`, a is ink 0, row by row. */
export interface PanelPicture {
  readonly width: number;
  readonly height: number;
  readonly runs: string;
}

/** All that hangs on the board. */
export interface HardwarePicture {
  readonly pins: readonly PinPicture[];
  readonly bulb: BulbPicture | null;
  /** The lamps besides the first, by the ids of the settings. */
  readonly lamps: readonly { readonly id: string; readonly light: LampPicture }[];
}

/** A lamp on the remote. */
export interface RemoteLamp {
  readonly id: string;
  readonly name: string;
  readonly dims: boolean;
  readonly temperature: boolean;
  readonly rgb: boolean;
  /** As the board last reported it. */
  readonly light: LightState | null;
}

export interface PhonePicture {
  /** Who has signed in to the remote, or null. */
  readonly person: string | null;
  /** The remote has a connection to the broker and may use the lamp. */
  readonly connected: boolean;
  /** The first lamp as the board last reported it. */
  readonly light: LightState | null;
  /** All lamps of the board, as it tells of them. */
  readonly lamps: readonly RemoteLamp[];
  /** The board is there (availability topic). */
  readonly lampOnline: boolean;
  /** A command is on its way. */
  readonly waiting: boolean;
  /** Why the last command was refused, or what is wrong; null when all is well. */
  readonly trouble: string | null;
}

/** Names of the faults a person may cause on the page. */
export type Mischief = "cutNetwork" | "unplugLamp" | "unplugBulb";
export type Blow = "revoke" | "expireToken" | "restartBroker";

export interface PageState {
  /** One plain sentence: what is going on. */
  readonly now: string;
  /** What the reader can do next, or null. */
  readonly next: string | null;
  /** How many of five steps are done: code shown, approved, tokens, at the broker, lamp moved from afar. */
  readonly progress: number;
  readonly board: BoardPicture | null;
  readonly lamp: LampPicture;
  readonly hardware: HardwarePicture;
  readonly phone: PhonePicture;
  readonly mischief: Readonly<Record<Mischief, boolean>>;
}

/** What the browser may ask for: the body of `POST /act`. */
export type Action =
  | { readonly act: "scan" }
  | { readonly act: "openRemote" }
  | { readonly act: "forgetRemote" }
  /** `lamp` is its id; without it the first is meant. */
  | { readonly act: "light"; readonly change: LightChange; readonly lamp?: string }
  /** A finger on the board's button, or off it. */
  | { readonly act: "button"; readonly down: boolean }
  | { readonly act: "mischief"; readonly name: Mischief; readonly on: boolean }
  | { readonly act: "blow"; readonly name: Blow };

/** Answer to an action: `open` is a page for the phone's browser. */
export type ActionAnswer =
  | { readonly ok: true; readonly open?: string }
  | { readonly ok: false; readonly why: string };

/** Server-Sent Events by name. */
export interface PageEvents {
  readonly state: PageState;
  /** Null while nothing was drawn. */
  readonly panel: PanelPicture | null;
  readonly wire: readonly WireMessage[];
}
