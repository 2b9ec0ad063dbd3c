import type { OrgContext } from "./context.ts";
import { discovery, identity, introspection, keySet, revoke, userInfo } from "./identity.ts";
import { type Asked, json, type Reply, text } from "./messages.ts";
import { placeOf, visit } from "./people.ts";
import { listVersions, rest } from "./rest.ts";
import { provide } from "./saml-provider.ts";
import { tokenEndpoint, tokenRequestMeaning } from "./token-endpoint.ts";

/** Where a request leads. */
export interface Destination {
  /** What the request is for, in one sentence. */
  readonly asks: string;
  /** Pages and forms; everything else is for programs. */
  readonly forPeople: boolean;
  readonly handle: (org: OrgContext) => Reply | Promise<Reply>;
}

interface Route {
  readonly methods: readonly string[];
  readonly path: RegExp;
  readonly asks: string | ((asked: Asked) => string);
  readonly handle: (org: OrgContext, asked: Asked) => Reply | Promise<Reply>;
}

const routes: readonly Route[] = [
  {
    methods: ["POST"],
    path: /^\/services\/oauth2\/token$/,
    asks: ({ form }) => tokenRequestMeaning(form),
    handle: tokenEndpoint,
  },
  {
    methods: ["GET", "POST"],
    path: /^\/services\/oauth2\/userinfo$/,
    asks: "Who has signed in, and where is home?",
    handle: userInfo,
  },
  {
    methods: ["GET", "POST"],
    path: /^\/id\/[^/]+\/[^/]+$/,
    asks: "Who has signed in, and where is home?",
    handle: identity,
  },
  {
    methods: ["GET", "POST"],
    path: /^\/services\/oauth2\/revoke$/,
    asks: "The sign-in is given back, so that nobody can use it any more.",
    handle: revoke,
  },
  {
    methods: ["POST"],
    path: /^\/services\/oauth2\/introspect$/,
    asks: "Is this token still good, and whose is it?",
    handle: introspection,
  },
  {
    methods: ["GET"],
    path: /^\/id\/keys$/,
    asks: "With which keys can one check what the org has signed?",
    handle: (org) => json(200, keySet(org), "keys", "The org's public keys."),
  },
  {
    methods: ["GET"],
    path: /^\/\.well-known\/openid-configuration$/,
    asks: "Where are the org's endpoints?",
    handle: discovery,
  },
  {
    methods: ["GET"],
    path: /^\/simulated-idp\/saml$/,
    asks: "The identity provider is asked to say, in SAML and signed, who the board's user is.",
    handle: provide,
  },
  {
    methods: ["GET"],
    path: /^\/services\/data$/,
    asks: "Which versions of its data interface does the org have?",
    handle: listVersions,
  },
  {
    methods: ["GET", "PATCH", "POST", "DELETE"],
    path: /^\/services\/data\/v[^/]+\/.+$/,
    asks: ({ method }) =>
      method === "GET"
        ? "Data of the org is read, with the user's access token."
        : "A record in the org is changed.",
    handle: rest,
  },
];

/** Finds where a request leads; what exists nowhere leads to a 404, a wrong method to a 405. */
export const destinationOf = (asked: Asked): Destination => {
  const place = placeOf(asked);
  if (place !== undefined)
    return { asks: place.asks, forPeople: true, handle: (org) => visit(org, asked, place) };
  const route = routes.find((each) => each.path.test(asked.path));
  if (route === undefined)
    return {
      asks: "Something asks for an address that the org does not have.",
      forPeople: false,
      handle: () => text(404, "Not Found", "not found", "There is nothing at this address."),
    };
  const asks = typeof route.asks === "string" ? route.asks : route.asks(asked);
  if (route.methods.includes(asked.method))
    return { asks, forPeople: false, handle: (org) => route.handle(org, asked) };
  return {
    asks,
    forPeople: false,
    handle: () => ({
      ...text(
        405,
        "Method Not Allowed",
        "method not allowed",
        `This address takes ${route.methods.join(" or ")}.`,
      ),
      headers: { allow: route.methods.join(", ") },
    }),
  };
};
