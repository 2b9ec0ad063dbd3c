import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { type LampInfo, readAbout } from "../companion/core/about.ts";
import { type Answer, readAnswer } from "../companion/core/answer.ts";
import { changeFields, readReport } from "../companion/core/light.ts";
import { type Ask, signCommand } from "../companion/core/signed-message.ts";
import type { LightChange, LightState } from "../src/model.ts";
import type { Clock, Http } from "../src/ports.ts";
import type { PhonePicture } from "./page/state.ts";
import type { Person } from "./person.ts";
import { openPhoneLink, type PhoneLink, PhoneRefused } from "./phone-link.ts";
import { createPhoneSignIn, type PhoneSignIn, type SignedIn } from "./phone-sign-in.ts";
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
/** Pause before another connection after `failures` that came to nothing: 1 s, 2 s, 4 s, 8 s, 16 s. */
const retryMs = (failures: number): number => 1000 * 2 ** Math.min(failures, 4);
/** The broker has taken a command, and nothing has come back. */
export const NO_ANSWER = "The board does not answer.";

/** What became of a command: the board's answer, or that there was none. */
export type PhoneResult = Pick<Answer, "outcome" | "code" | "message"> & Partial<Answer>;

/**
 * The owner's phone: signs in at the org for itself, joins the broker with the access token, sends commands and
 * believes only what the board reports. It keeps its connection up until `signOut` or `close`.
 */
export class SimulatedPhone {
  /** Signs its commands (docs/signed-commands.md). Without it they are plain, for boards that trust the broker. */
  signs = true;
  readonly #options: PhoneOptions;
  readonly #signIn: PhoneSignIn;
  readonly #root: string;
  readonly #listeners = new Set<() => void>();
  readonly #answers = new Map<string, (result: PhoneResult) => void>();
  readonly #clientId = `phone-${randomBytes(4).toString("hex")}`;
  #using: AbortController | null = null;
  #running: Promise<void> = Promise.resolve();
  #link: PhoneLink | null = null;
  #signedIn: SignedIn | null = null;
  /** The board's lamps, in its order, and what each last reported, by its topic. */
  #lamps: readonly LampInfo[] = [];
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
      person: this.#signedIn?.session.person.name ?? null,
      connected: this.#link !== null,
      light: this.#states.get(`${this.#root}/light/state`) ?? null,
      lamps: this.#lamps.map(({ id, name, traits, state }) => ({
        id,
        name,
        dims: traits.dims,
        temperature: traits.temperature !== null,
        rgb: traits.rgb,
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
  beginSignIn(signal: AbortSignal): Promise<string> {
    return this.#signIn.begin(signal);
  }

  /** Takes the org's answer, and joins the broker. Throws when the org did not sign this phone in. */
  async finishSignIn(callback: URL, signal: AbortSignal): Promise<void> {
    const signedIn = await this.#signIn.finish(callback, signal);
    await this.signOut();
    const using = new AbortController();
    this.#using = using;
    this.#signedIn = signedIn;
    this.#trouble = null;
    this.#running = this.#stayConnected(signedIn.session.accessToken, using.signal);
    this.#changed();
  }

  /** Signs in with a person who walks through the org's pages. */
  async signIn(person: Person, signal: AbortSignal): Promise<void> {
    const callback = await person.signInTo(await this.beginSignIn(signal), this.#options.callback(), signal);
    await this.finishSignIn(callback, signal);
  }

  /**
   * Sends a command to a lamp by its id, or to the first, and waits for the board's answer; an answer that does not come
   * is a failure, too.
   */
  async send(change: LightChange, signal: AbortSignal, lamp: string | null = null): Promise<PhoneResult> {
    const set = changeFields(change);
    if (this.signs)
      return this.#ask(
        { do: "light", ...(lamp === null ? {} : { light: lamp }), set },
        inChangeWords(change),
        signal,
      );
    const topic = this.#lamps.find(({ id }) => id === lamp)?.set ?? `${this.#root}/light/set`;
    return this.#deliver(topic, async () => JSON.stringify(set), inChangeWords(change), signal);
  }

  /** Sends a signed command of any kind, and waits for the board's answer as `send` does. */
  ask(ask: Ask, signal: AbortSignal): Promise<PhoneResult> {
    return this.#ask(ask, ask.do, signal);
  }

  #ask(ask: Ask, words: string, signal: AbortSignal): Promise<PhoneResult> {
    const payload = async (id: string): Promise<string> => {
      const { session, key } = this.#signedIn ?? {};
      if (session === undefined || key === undefined) throw new Error("Nobody has signed in.");
      const { pkToken, freshIdToken } = session;
      const signer = { kind: "person", key, pkToken, freshIdToken } as const;
      return signCommand(signer, { device: this.#options.deviceId, id, ask }, this.#options.clock.wall());
    };
    return this.#deliver(`${this.#root}/command`, payload, words, signal);
  }

  async #deliver(
    topic: string,
    payload: (id: string) => Promise<string>,
    words: string,
    signal: AbortSignal,
  ): Promise<PhoneResult> {
    const link = this.#link;
    if (link === null)
      return this.#conclude({ outcome: "failed", code: null, message: "The phone is offline." });
    this.#options.wire.record({
      from: "person",
      to: "phone",
      kind: "person",
      title: words,
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
        topic,
        payload: await payload(id),
        responseTopic: this.#resultTopic,
        correlation: id,
        expiresInS: COMMAND_LIFE_S,
      });
      const silence = this.#options.clock
        .sleep(ANSWER_WAIT_MS, AbortSignal.any([late.signal, signal]))
        .then((): PhoneResult => ({ outcome: "failed", code: null, message: NO_ANSWER }));
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
    this.#signedIn = null;
    this.#forgetLamps();
    this.#changed();
  }

  close(): Promise<void> {
    return this.signOut();
  }

  get #resultTopic(): string {
    return `${this.#root}/result/${this.#clientId}`;
  }

  #conclude(result: PhoneResult): PhoneResult {
    this.#trouble = result.outcome === "done" ? null : (result.message ?? result.code ?? "It was refused.");
    return result;
  }

  async #stayConnected(accessToken: string, signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      try {
        await this.#connection(accessToken, signal);
        failures = 0;
      } catch (error) {
        failures += 1;
        if (error instanceof PhoneRefused) {
          this.#signedIn = null;
          this.#forgetLamps();
          this.#trouble = "The phone's sign-in has ended. Sign in again.";
          this.#changed();
          return;
        }
      }
      this.#link = null;
      this.#lampOnline = false;
      this.#changed();
      await this.#options.clock.sleep(retryMs(failures), signal).catch(() => {});
    }
  }

  /** One connection, from CONNECT until it ends. */
  async #connection(accessToken: string, signal: AbortSignal): Promise<void> {
    const link = await openPhoneLink(
      await this.#options.openStream(signal),
      {
        clock: this.#options.clock,
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
        this.#lamps = readAbout(payload)?.lamps ?? this.#lamps;
        break;
      case this.#resultTopic: {
        const result = readAnswer(payload);
        if (result !== null && correlation !== null) this.#answers.get(correlation)?.(result);
        break;
      }
      default: {
        const state = topic.endsWith("/state") ? readReport(payload) : null;
        if (state !== null) this.#states.set(topic, state.state);
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
