// The part of oidc-provider that these tests use; the package has no types of its own.

declare module "oidc-provider" {
  import type { IncomingMessage, ServerResponse } from "node:http";

  export interface Context {
    readonly path: string;
    readonly host: string;
    readonly method: string;
    readonly status: number;
    readonly body: unknown;
    readonly oidc?: { readonly params?: Readonly<Record<string, unknown>> };
  }

  interface Stored {
    readonly grantId?: string;
    readonly accountId?: string;
    destroy(): Promise<void>;
  }

  interface Model {
    find(value: string): Promise<Stored | undefined>;
  }

  export default class Provider {
    constructor(issuer: string, configuration: Readonly<Record<string, unknown>>);
    readonly RefreshToken: Model;
    readonly AccessToken: Model;
    use(middleware: (context: Context, next: () => Promise<void>) => Promise<void>): void;
    on(event: "server_error", listener: (context: Context, error: Error) => void): this;
    callback(): (request: IncomingMessage, response: ServerResponse) => void;
  }
}
