import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type AppConfig, appPolicy, readApp, setUpApp } from "../adapters/app-files.ts";
import { type Arguments, type RunCommand, usageError } from "./command.ts";

type Values = Arguments["values"];

/** `porchlight app DIR --org URL --client-id ID --broker URL` */
export const appCommand: RunCommand = async ({ words, values, flags }, { stdout }) => {
  const [folder] = words;
  if (folder === undefined) throw usageError("app needs a folder to write to");
  const legacy = flags.has("legacy-user-agent");
  const config = configOf(values, legacy);
  const files = setUpApp(await readApp(), config);
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of files) await writeFile(join(folder, name), bytes);
  stdout.write(
    [
      `The app is in ${folder}: ${files.size} files for any web server, over HTTPS.`,
      "Register its address, with the slash at the end, as callback of the app with that client id.",
      "Send these headers with it:",
      `  Content-Security-Policy: ${appPolicy(files, config)}; frame-ancestors 'none'`,
      "  Permissions-Policy: camera=(self)",
      "  X-Content-Type-Options: nosniff",
      "  Cache-Control: no-cache",
      ...(legacy
        ? [
            "Legacy: people sign in by the user-agent flow, with tokens in the address. Salesforce ends it on 20 February 2027;",
            "write the app without --legacy-user-agent before then.",
          ]
        : []),
      "",
    ].join("\n"),
  );
  return 0;
};

const configOf = (values: Values, legacy: boolean): AppConfig => {
  const dialect = values.dialect ?? "salesforce";
  if (dialect !== "salesforce" && dialect !== "rfc8628")
    throw usageError("--dialect is salesforce or rfc8628");
  const codePage = values["code-page"];
  const username = values["broker-username"];
  const { boards, origins } = values;
  return {
    org: {
      url: addressOf(values, "org", "https:", "http:").replace(/\/+$/, ""),
      dialect,
      clientId: needed(values, "client-id"),
      scope:
        values.scope ??
        (dialect === "salesforce" ? "openid api refresh_token" : "openid profile offline_access"),
      ...(legacy ? { signIn: "user-agent" } : {}),
      ...(origins === undefined ? {} : { origins: originsOf(origins) }),
      ...(codePage === undefined ? {} : { codePage: addressOf(values, "code-page", "https:", "http:") }),
    },
    broker: {
      url: addressOf(values, "broker", "wss:", "ws:"),
      ...(username === undefined ? {} : { username }),
      ...guestOf(values["broker-guest"]),
    },
    ...(boards === undefined ? {} : { boards: boardsOf(boards) }),
  };
};

const needed = (values: Values, name: string): string => {
  const value = values[name];
  if (value === undefined || value === "") throw usageError(`app needs --${name}`);
  return value;
};

/** An address as the app takes it: encrypted, or on this computer. */
const addressOf = (values: Values, name: string, safe: string, plain: string): string => {
  const text = needed(values, name);
  const url = URL.canParse(text) ? new URL(text) : null;
  const nearby = url !== null && ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  if (url === null || (url.protocol !== safe && !(url.protocol === plain && nearby)))
    throw usageError(`--${name} must begin with ${safe}//`);
  return url.href;
};

const guestOf = (text: string | undefined): Pick<AppConfig["broker"], "guest"> => {
  if (text === undefined) return {};
  const [username = "", ...rest] = text.split(":");
  const password = rest.join(":");
  if (username === "" || password === "") throw usageError("--broker-guest is NAME:PASSWORD");
  return { guest: { username, password } };
};

const originsOf = (text: string): readonly string[] => {
  const origins = text.split(",");
  if (!origins.every((origin) => URL.canParse(origin) && new URL(origin).protocol === "https:"))
    throw usageError("--origins is addresses that begin with https://, with commas between them");
  return origins.map((origin) => new URL(origin).origin);
};

const boardsOf = (text: string): readonly string[] => {
  const ids = text.split(",");
  if (!ids.every((id) => /^[A-Za-z0-9_-]{1,64}$/.test(id)))
    throw usageError("--boards is ids of boards, with commas between them");
  return ids;
};
