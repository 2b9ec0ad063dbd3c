import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import type { LightChange, LightState } from "../src/model.ts";
import type { Clock, Http } from "../src/ports.ts";
import type { PhonePicture } from "./page/state.ts";
import type { Person } from "./person.ts";
import {
  decodeLamps,
  decodeResult,
  decodeState,
  encodeChange,
  type KnownLamp,
  type PhoneResult,
} from "./phone-codec.ts";
import { openPhoneLink, type PhoneLink, PhoneRefused } from "./phone-link.ts";
import { createPhoneSignIn, type PhoneSignIn } from "./phone-sign-in.ts";
import { inChangeWords } from "./phone-words.ts";
import type { Wire } from "./wire.ts";

export interface PhoneOptions {
  readonly clock: Clock;
  readonly wire: Wire;
  readonly http: Http;
  readonly orgUrl: string;
  readonly clientId: string;
  /** Where the org sends the phone's browser back to; asked when a sign-in begins. */
  readonly callback: () => string;
  readonly deviceId: string;
  readonly openStream: (signal: AbortSignal) => Promise<Duplex>;
}

/** A command nobody took by then is not obeyed any more, in seconds. */
const COMMAND_LIFE_S = 10;
const ANSWER_WAIT_MS = 5000;
const RETRY_MS = 1000;

/**
 * The owner's phone: signs in at the org for itself, joins the broker with the access token, sends commands and
 * believes only what the board reports. It keeps its connection up until `signOut` or `close`.
 */
export class SimulatedPhone {
  readonly #options: PhoneOptions;
  readonly #signIn: PhoneSignIn;
  readonly #root: string;
  readonly #listeners = new Set<() => void>();
  readonly #answers = new Map<string, (result: PhoneResult) => void>();
  readonly #clientId = `phone-${randomBytes(4).toString("hex")}`;
  #using: AbortController | null = null;
  #running: Promise<void> = Promise.resolve();
  #link: PhoneLink | null = null;
  #person: string | null = null;
  /** The board's lamps, in its order, and what each last reported, by its topic. */
  #lamps: readonly KnownLamp[] = [];
  readonly #states = new Map<string, LightState>();
  #lampOnline = false;
  #trouble: string | null = null;

  constructor(options: PhoneOptions) {
    this.#options = options;
    this.#root = `porchlight/${options.deviceId}`;
    this.#signIn = createPhoneSignIn({ ...options, scope: "openid api" });
  }

  /** The phone's screen. */
  get picture(): PhonePicture {
    return {
      person: this.#person,
      connected: this.#link !== null,
      light: this.#states.get(`${this.#root}/light/state`) ?? null,
      lamps: this.#lamps.map(({ id, name, dims, temperature, rgb, state }) => ({
        id,
        name,
        dims,
        temperature,
        rgb,
        light: this.#states.get(state) ?? null,
      })),
      lampOnline: this.#lampOnline,
      waiting: this.#answers.size > 0,
      trouble: this.#trouble,
    };
  }

  /** Calls `listener` after every change on the screen; returns the way to stop. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** The address of the org's page where the phone's own sign-in begins. */
  beginSignIn(): string {
    return this.#signIn.begin();
  }

  /** Takes the org's answer, and joins the broker. Throws when the org did not sign this phone in. */
  async finishSignIn(callback: URL, signal: AbortSignal): Promise<void> {
    const { accessToken, name } = await this.#signIn.finish(callback, signal);
    await this.signOut();
    const using = new AbortController();
    this.#using = using;
    this.#person = name;
    this.#trouble = null;
    this.#running = this.#stayConnected(accessToken, using.signal);
    this.#changed();
  }

  /** Signs in with a person who walks through the org's pages. */
  async signIn(person: Person, signal: AbortSignal): Promise<void> {
    const callback = await person.signInTo(this.beginSignIn(), this.#options.callback(), signal);
    await this.finishSignIn(callback, signal);
  }

  /**
   * Sends a command to a lamp by its id, or to the first, and waits for the board's answer; an answer that does not come
   * is a failure, too.
   */
  async send(change: LightChange, signal: AbortSignal, lamp: string | null = null): Promise<PhoneResult> {
    const link = this.#link;
    if (link === null)
      return this.#conclude({ outcome: "failed", code: null, message: "The phone is offline." });
    this.#options.wire.record({
      from: "person",
      to: "phone",
      kind: "person",
      title: inChangeWords(change),
      meaning: "A finger on the remote. The phone turns it into a message.",
      detail: [],
      ok: true,
    });
    const id = randomBytes(9).toString("base64url");
    const late = new AbortController();
    const answered = new Promise<PhoneResult>((resolve) => {
      this.#answers.set(id, resolve);
    });
    this.#changed();
    try {
      await link.publish({
        topic: this.#lamps.find(({ id }) => id === lamp)?.set ?? `${this.#root}/light/set`,
        payload: encodeChange(change),
        responseTopic: this.#resultTopic,
        correlation: id,
        expiresInS: COMMAND_LIFE_S,
      });
      const silence = this.#options.clock
        .sleep(ANSWER_WAIT_MS, AbortSignal.any([late.signal, signal]))
        .then((): PhoneResult => ({ outcome: "failed", code: null, message: "The board does not answer." }));
      silence.catch(() => {});
      const gone = link.ended.then(
        (): PhoneResult => ({ outcome: "failed", code: null, message: "The connection was lost." }),
      );
      return this.#conclude(await Promise.race([answered, silence, gone]));
    } catch (error) {
      signal.throwIfAborted();
      const message = error instanceof Error ? error.message : String(error);
      return this.#conclude({ outcome: "failed", code: null, message });
    } finally {
      late.abort();
      this.#answers.delete(id);
      this.#changed();
    }
  }

  /** Forgets the person and leaves the broker. */
  async signOut(): Promise<void> {
    this.#link?.close();
    this.#using?.abort(new Error("the phone was signed out"));
    this.#using = null;
    await this.#running;
    this.#person = null;
    this.#forgetLamps();
    this.#changed();
  }

  close(): Promise<void> {
    return this.signOut();
  }

  get #resultTopic(): string {
    return `${this.#root}/result`;
  }

  #conclude(result: PhoneResult): PhoneResult {
    this.#trouble = result.outcome === "done" ? null : (result.message ?? result.code ?? "It was refused.");
    return result;
  }

  async #stayConnected(accessToken: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#connection(accessToken, signal);
      } catch (error) {
        if (error instanceof PhoneRefused) {
          this.#person = null;
          this.#forgetLamps();
          this.#trouble = "The phone's sign-in has ended. Sign in again.";
          this.#changed();
          return;
        }
      }
      this.#link = null;
      this.#lampOnline = false;
      this.#changed();
      await this.#options.clock.sleep(RETRY_MS, signal).catch(() => {});
    }
  }

  /** One connection, from CONNECT until it ends. */
  async #connection(accessToken: string, signal: AbortSignal): Promise<void> {
    const link = await openPhoneLink(
      await this.#options.openStream(signal),
      {
        clientId: this.#clientId,
        username: this.#clientId,
        password: accessToken,
        onMessage: (topic, payload, correlation) => this.#take(topic, payload, correlation),
      },
      signal,
    );
    try {
      await link.subscribe([
        ...["availability", "about", "light/state", "lights/+/state"].map(
          (topic) => `${this.#root}/${topic}`,
        ),
        this.#resultTopic,
      ]);
      this.#link = link;
      this.#trouble = null;
      this.#changed();
      await link.ended;
    } finally {
      this.#link = null;
      link.close();
    }
  }

  #take(topic: string, payload: string, correlation: string | null): void {
    switch (topic) {
      case `${this.#root}/availability`:
        this.#lampOnline = payload === "online";
        break;
      case `${this.#root}/about`:
        this.#lamps = decodeLamps(payload) ?? this.#lamps;
        break;
      case this.#resultTopic: {
        const result = decodeResult(payload);
        if (result !== null && correlation !== null) this.#answers.get(correlation)?.(result);
        break;
      }
      default: {
        const state = topic.endsWith("/state") ? decodeState(payload) : null;
        if (state !== null) this.#states.set(topic, state);
      }
    }
    this.#changed();
  }

  #forgetLamps(): void {
    this.#lamps = [];
    this.#states.clear();
    this.#lampOnline = false;
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
