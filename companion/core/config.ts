import { membersOf, readMembers, textOf } from "./http.ts";
import type { OrgConfig } from "./org.ts";
import { Trouble } from "./trouble.ts";

/** companion.json: the org and the broker that an app is for. */
export interface CompanionConfig {
  readonly org: OrgConfig;
  readonly broker: {
    /** `wss://…`, or `ws://…` to this computer. */
    readonly url: string;
    /** What phones call themselves as MQTT user name; null: as their client id. Their password is the access token. */
    readonly username: string | null;
    /** An account for guests who have none at the org; null when the broker has none. */
    readonly guest: { readonly username: string; readonly password: string } | null;
  };
  /** Ids of boards to show besides those that tell of their owner by themselves. */
  readonly boards: readonly string[];
}

const deviceId = /^[A-Za-z0-9_-]{1,64}$/;

/** Whether a text can be the id of a board: one level of a topic. */
export const isDeviceId = (text: string): boolean => deviceId.test(text);

/** Reads companion.json. Throws CONFIG with what is wrong. */
export const readConfig = (text: string): CompanionConfig => {
  const config = readMembers(text);
  if (config === null) throw new Trouble("CONFIG", "it is no JSON object");
  const org = membersOf(config.org);
  const broker = membersOf(config.broker);
  const guest = membersOf(broker?.guest);
  const dialect = org?.dialect ?? "salesforce";
  if (dialect !== "salesforce" && dialect !== "rfc8628")
    throw new Trouble("CONFIG", "org.dialect is salesforce or rfc8628");
  const signIn = org?.signIn ?? "web-server";
  if (signIn !== "web-server" && signIn !== "user-agent")
    throw new Trouble("CONFIG", "org.signIn is web-server or user-agent");
  const username = textOf(guest?.username, 255);
  const password = textOf(guest?.password, 1024);
  const url = address(org?.url, "org.url", ["https:", "http:"]).href.replace(/\/+$/, "");
  const codePage = dialect === "salesforce" ? `${url}/setup/connect` : null;
  return {
    org: {
      url,
      dialect,
      clientId: needed(org?.clientId, "org.clientId"),
      scope: textOf(org?.scope, 500) ?? "openid api refresh_token",
      signIn,
      codePage:
        org?.codePage === undefined
          ? codePage
          : address(org.codePage, "org.codePage", ["https:", "http:"]).href,
    },
    broker: {
      url: address(broker?.url, "broker.url", ["wss:", "ws:"]).href,
      username: textOf(broker?.username, 255),
      guest: username === null || password === null ? null : { username, password },
    },
    boards: Array.isArray(config.boards)
      ? config.boards.filter((id) => typeof id === "string").filter(isDeviceId)
      : [],
  };
};

const needed = (value: unknown, name: string): string => {
  const text = textOf(value, 500);
  if (text === null) throw new Trouble("CONFIG", `${name} is missing`);
  return text;
};

const isNearby = ({ hostname }: URL): boolean => ["localhost", "127.0.0.1", "[::1]"].includes(hostname);

/** An address; without encryption only to this computer. */
const address = (value: unknown, name: string, [safe, plain]: readonly [string, string]): URL => {
  const text = needed(value, name);
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== safe && !(url.protocol === plain && isNearby(url))))
    throw new Trouble("CONFIG", `${name} must begin with ${safe}//`);
  return url;
};
