import { base64url } from "../../../companion/core/base64url.ts";
import { type Companion, createCompanion } from "../../../companion/core/companion.ts";
import { type CompanionConfig, readConfig } from "../../../companion/core/config.ts";
import type { OrgRequest } from "../../../companion/core/http.ts";
import type { Credentials, Link, OpenLink } from "../../../companion/core/link.ts";
import type { Kept, Memory } from "../../../companion/core/memory.ts";
import { findOrg } from "../../../companion/core/org.ts";
import { nonceOf, type PhoneKey } from "../../../companion/core/phone-key.ts";
import { createSessions, type Sessions } from "../../../companion/core/session.ts";
import { VirtualClock } from "../../../firmware-sim/clock.ts";

export const never = new AbortController().signal;
export const APP = "https://app.example/";

export const configText = {
  org: { url: "https://org.example", clientId: "app" },
  broker: { url: "wss://broker.example/mqtt" },
};

/** What the org tells of itself with the dialect `rfc8628`. */
const discovery = {
  issuer: "https://org.example",
  authorization_endpoint: "https://org.example/authorize",
  token_endpoint: "https://org.example/token",
  revocation_endpoint: "https://org.example/revoke",
};

/** A memory that forgets at the end, with a lock that counts who held it at once. */
export const createMemory = (): Memory & { readonly kept: Partial<Kept>; readonly most: () => number } => {
  const kept: Partial<Kept> = {};
  let last: Promise<unknown> = Promise.resolve();
  let inside = 0;
  let most = 0;
  return {
    kept,
    most: () => most,
    read: async (name) => kept[name],
    async write(name, value) {
      if (value === undefined) delete kept[name];
      else kept[name] = value;
    },
    async reviseBoards(work) {
      const list = work(kept.boards ?? [], kept.session ?? null);
      if (list !== null) await this.write("boards", list.length === 0 ? undefined : list);
      return list;
    },
    alone(work) {
      const run = last.then(async () => {
        most = Math.max(most, ++inside);
        try {
          return await work();
        } finally {
          inside--;
        }
      });
      last = run.catch(() => undefined);
      return run;
    },
  };
};

/** One connection, from the broker's side. */
export interface FakeLink {
  readonly credentials: Credentials;
  readonly subscribed: string[];
  readonly sent: {
    topic: string;
    payload: string;
    responseTopic: string;
    correlation: string;
    expiresInS: number;
  }[];
  say(topic: string, payload: unknown, retained?: boolean): void;
  /** Answers the last command. */
  answer(fields: Readonly<Record<string, unknown>>): void;
  /** How often the phone asked whether it still holds. */
  readonly checks: number;
  end(): void;
}

interface Reply {
  readonly status: number;
  readonly body: string;
}

export interface StageOptions {
  readonly config?: object;
  readonly memory?: Memory & { readonly kept: Partial<Kept> };
}

/** The companion with an org and a broker that are a few lines each, in virtual time. */
export const openStage = (options: StageOptions = {}) => {
  const clock = new VirtualClock();
  const memory = options.memory ?? createMemory();
  const config: CompanionConfig = readConfig(JSON.stringify(options.config ?? configText));
  const asked: OrgRequest[] = [];
  const links: FakeLink[] = [];
  const world = {
    online: true,
    /** Access tokens that the broker takes; null: any. */
    welcome: null as string | null,
    unreachable: false,
    /** What the org answers next to the token endpoint; otherwise tokens. */
    replies: [] as (Reply | (() => Promise<Reply>))[],
    /** Set by the sign-in. */
    nonce: "",
    sub: "https://org.example/id/00D/005ada",
    given: 0,
    noRefreshToken: false,
    /** The broker does not say any more that it has taken something. */
    deaf: false,
    /** The broker does not let this phone send commands. */
    forbids: false,
  };

  const idToken = (nonce: string | undefined): string => {
    const iat = Math.floor(clock.wall() / 1000);
    const claims = {
      iss: "https://org.example",
      aud: "app",
      sub: world.sub,
      iat,
      exp: iat + 120,
      name: "Ada",
      nonce,
    };
    return [base64url('{"alg":"RS256"}'), base64url(JSON.stringify(claims)), base64url("org")].join(".");
  };
  const http = async (request: OrgRequest) => {
    asked.push(request);
    const reply = world.replies.shift();
    if (reply !== undefined) return typeof reply === "function" ? reply() : reply;
    if (request.url.endsWith("/.well-known/openid-configuration"))
      return { status: 200, body: JSON.stringify(discovery) };
    if (request.url.endsWith("/revoke")) return { status: 200, body: "" };
    const form = new URLSearchParams(request.body);
    const first = form.get("grant_type") === "authorization_code";
    const n = ++world.given;
    const body = {
      access_token: `access-${n}`,
      ...(world.noRefreshToken ? {} : { refresh_token: `refresh-${n}` }),
      id_token: idToken(first ? world.nonce : undefined),
    };
    return { status: 200, body: JSON.stringify(body) };
  };
  const access = async () => ({
    org: config.org,
    places: await findOrg(config.org, http, never),
    http,
    now: () => clock.wall(),
  });
  const sessions: Sessions = createSessions(memory, config.org, access, (ms, signal) =>
    clock.sleep(ms, signal),
  );

  const openLink: OpenLink = async (credentials, onMessage, signal) => {
    const { Trouble } = await import("../../../companion/core/trouble.ts");
    if (world.unreachable) throw new Error("no way to the broker");
    if (world.welcome !== null && credentials.password !== world.welcome) throw new Trouble("BROKER_REFUSED");
    const ended = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => ended.resolve(), { once: true });
    const subscribed: string[] = [];
    const sent: FakeLink["sent"] = [];
    let checks = 0;
    const link: Link = {
      ended: ended.promise,
      check() {
        checks++;
      },
      close: () => ended.resolve(),
      async subscribe(topics) {
        subscribed.push(...topics);
        return topics.map(() => true);
      },
      async publish(message) {
        sent.push(message);
        if (world.deaf) await ended.promise;
        if (world.forbids) throw new Error("Publish error: Not authorized");
      },
    };
    links.push({
      credentials,
      subscribed,
      sent,
      say: (topic, payload, retained = false) =>
        onMessage(
          { topic, payload: typeof payload === "string" ? payload : JSON.stringify(payload), retained },
          null,
        ),
      answer(fields) {
        const last = sent.at(-1);
        if (last === undefined) throw new Error("nothing was sent");
        onMessage(
          {
            topic: last.responseTopic,
            payload: JSON.stringify({ id: last.correlation, outcome: "done", ...fields }),
            retained: false,
          },
          last.correlation,
        );
      },
      get checks() {
        return checks;
      },
      end: () => ended.resolve(),
    });
    return link;
  };

  const companion: Companion = createCompanion({
    config,
    memory,
    sessions,
    openLink,
    clock,
    random: () => 0.5,
    online: () => world.online,
  });
  const over = new AbortController();
  let running: Promise<void> = Promise.resolve();
  return {
    clock,
    memory,
    companion,
    sessions,
    asked,
    links,
    world,
    get link(): FakeLink {
      const last = links.at(-1);
      if (last === undefined) throw new Error("there is no connection");
      return last;
    },
    start(): void {
      running = companion.run(over.signal);
    },
    /** A person signs in at the org and comes back. */
    async signIn(): Promise<void> {
      const url = new URL(await clock.until(companion.signIn(APP)));
      const key: PhoneKey = await sessions.key();
      world.nonce = nonceOf(key);
      const state = url.searchParams.get("state") ?? "";
      await clock.until(companion.signedIn(new URL(`${APP}?code=c&state=${state}`), never));
    },
    /** The content of the last signed command. */
    get asking(): Record<string, unknown> {
      const last = links.at(-1)?.sent.at(-1);
      const { osm } = JSON.parse(last?.payload ?? "{}");
      return JSON.parse(Buffer.from(osm.split(".")[1], "base64url").toString());
    },
    async [Symbol.asyncDispose]() {
      over.abort(new Error("the test is over"));
      await clock.settle();
      await running.catch(() => undefined);
      clock[Symbol.dispose]();
    },
  };
};

export const about = (id = "porch-1", owner: string | null = "005ada", more: object = {}) => ({
  device: { id, name: "Porch light" },
  trust: "owner",
  lights: [
    {
      id: "main",
      name: "Porch",
      traits: { dims: true, temperature: null, rgb: true, effects: ["identify"] },
      topics: { set: `porchlight/${id}/light/set`, state: `porchlight/${id}/light/state` },
    },
  ],
  owner: owner === null ? null : { userId: owner, name: "Ada" },
  ...more,
});
