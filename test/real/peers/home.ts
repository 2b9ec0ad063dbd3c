import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type PrintedEvent, type Running, type RunningAgent, startAgent, startCommand } from "./agent.ts";
import { type Certificates, makeCertificates, pem } from "./certificates.ts";
import { type Account, type Mosquitto, startMosquitto } from "./mosquitto.ts";
import { type OidcProvider, startOidcProvider } from "./oidc.ts";
import { visit } from "./person.ts";
import { openPhone, type Phone } from "./phone.ts";
import { scratchFolder } from "./scratch.ts";

export const deviceId = "porch-1";

/** Groups of settings that replace the usual ones of a home, member by member. */
export interface Changes {
  readonly org?: Readonly<Record<string, unknown>>;
  readonly assetToken?: Readonly<Record<string, unknown>>;
  readonly broker?: Readonly<Record<string, unknown>>;
  readonly display?: string;
  readonly commands?: Readonly<Record<string, unknown>>;
}

/** A provider, a broker, a board's settings and state, and the people around it: all real, all on 127.0.0.1. */
export interface Home extends AsyncDisposable {
  readonly folder: string;
  readonly certificates: Certificates;
  readonly provider: OidcProvider;
  readonly broker: Mosquitto;
  readonly board: Account;
  /** Path of a settings file with these changes. */
  settings(changes?: Changes): string;
  /** Starts the agent with these changes; the state folder is the same each time. */
  start(changes?: Changes): RunningAgent;
  /** Another command with the settings written last. */
  command(...args: string[]): Running;
  /** A phone that is already watching, by the broker's TLS listener or another. */
  phone(url?: string): Promise<Phone>;
  /** Waits for the agent's code and does with it what the person does. */
  answerCode(agent: RunningAgent, does: "approves" | "denies"): Promise<PrintedEvent<"code">>;
  /** Signs a new agent in and waits until it is online. */
  signIn(agent: RunningAgent): Promise<void>;
}

/**
 * Makes a home. When it is closed, it ends what is left of it and fails if any token, password, key or device code
 * was printed by any command that ran in it.
 */
export const makeHome = async (
  options: {
    https?: boolean;
    confidential?: boolean;
    accessTokenS?: number;
    companion?: string;
    callback?: string;
    /** What the provider calls itself: the address of something that leads to it. */
    issuer?: string;
    brokerExtra?: readonly string[];
  } = {},
): Promise<Home> => {
  await using made = new AsyncDisposableStack();
  const folder = made.use(scratchFolder()).path;
  const certificates = makeCertificates(folder, deviceId);
  const board: Account = { username: "board", password: randomBytes(18).toString("base64url") };
  const phoneAccount: Account = { username: "phone", password: randomBytes(18).toString("base64url") };
  const passwordFile = join(folder, "board-password");
  writeFileSync(passwordFile, `${board.password}\n`, { mode: 0o600 });
  const { https = false, brokerExtra = [], ...providerOptions } = options;
  const provider = made.use(
    await startOidcProvider({ ...providerOptions, ...(https ? { tls: certificates.server } : {}) }),
  );
  const broker = made.use(
    await startMosquitto({ folder, certificates, deviceId, board, phone: phoneAccount, extra: brokerExtra }),
  );

  const ran: Running[] = [];
  const settingsFile = join(folder, "settings.json");
  const settings = (changes: Changes = {}): string => {
    const stateDir = join(folder, "state");
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const secretFile = join(folder, "client-secret");
    if (provider.clientSecret !== null) writeFileSync(secretFile, provider.clientSecret, { mode: 0o600 });
    const all = {
      device: { id: deviceId, name: "Porch light", serial: "PL-0001" },
      org: {
        dialect: "rfc8628",
        url: provider.issuer,
        clientId: provider.clientId,
        scope: "openid profile offline_access",
        ...(provider.clientSecret === null ? {} : { clientSecret: { file: secretFile } }),
        ...(https ? { ca: certificates.ca } : {}),
        ...changes.org,
      },
      assetToken: { mode: "off", ...changes.assetToken },
      broker: {
        url: broker.tls,
        auth: "password",
        username: board.username,
        password: { file: passwordFile },
        ca: certificates.ca,
        ...changes.broker,
      },
      commands: { trust: "broker", clientId: provider.appClientId, ...changes.commands },
      lights: [{ id: "main", name: "Porch", driver: "memory:", powerOn: "last" }],
      display: changes.display ?? "none",
      state: { dir: stateDir },
    };
    writeFileSync(settingsFile, JSON.stringify(all, null, 2));
    return settingsFile;
  };
  const keep = <R extends Running>(running: R): R => {
    ran.push(running);
    return running;
  };
  const answerCode: Home["answerCode"] = async (agent, does) => {
    const code = await agent.next("code");
    const seen = await visit(provider.straight(code.verificationUriComplete), does, {
      userCode: code.userCode,
      ...(https ? { ca: pem(certificates.ca) } : {}),
    });
    if (!seen.sawCode) throw new Error(`the provider's pages never showed the code:\n${seen.lastPage}`);
    return code;
  };

  const stack = made.move();
  return {
    folder,
    certificates,
    provider,
    broker,
    board,
    settings,
    start: (changes) => keep(startAgent(settings(changes))),
    command: (...args) => keep(startCommand(...args, "--settings", settingsFile)),
    phone: async (url = broker.tls) =>
      stack.use(await openPhone(url, phoneAccount, deviceId, { ca: pem(certificates.ca) })),
    answerCode,
    signIn: async (agent) => {
      await answerCode(agent, "approves");
      await agent.next("online", undefined, 30_000);
    },
    async [Symbol.asyncDispose]() {
      for (const running of ran) await running[Symbol.asyncDispose]();
      await stack.disposeAsync();
      const secrets = [...provider.secrets, board.password];
      if (ran.some((running) => secrets.some((secret) => running.output().includes(secret))))
        throw new Error("a token, password or device code was printed");
    },
  };
};
