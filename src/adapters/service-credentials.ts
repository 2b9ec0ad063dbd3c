import { existsSync } from "node:fs";

type Env = Readonly<Record<string, string | undefined>>;

/** Where systemd keeps what LoadCredential= gave the service, while it runs. */
export const serviceCredentials = "/run/credentials/porchlight.service";

/** `env` with the credentials of the running service, for root's commands beside it, unless it names others. */
export const withServiceCredentials = (env: Env, folder = serviceCredentials): Env =>
  env.CREDENTIALS_DIRECTORY || !existsSync(folder) ? env : { ...env, CREDENTIALS_DIRECTORY: folder };
