import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createMemoryDisk, openMemoryVault } from "../../../src/adapters/memory-vault.ts";
import { AgentError } from "../../../src/errors.ts";
import type { Identity, SignedVerdict } from "../../../src/model.ts";
import { createPublishedKeys } from "../../../src/org-keys/published-keys.ts";
import { createSignedCommands, type SignedCommandsOptions } from "../../../src/owner/checker.ts";
import { createGuests } from "../../../src/owner/guests.ts";
import type { Http, Vault } from "../../../src/ports.ts";
import {
  b64,
  cicOf,
  commitmentOf,
  compactOf,
  goMarshal,
  hashOf,
  jwt,
  type Members,
  messageOf,
  type Parts,
  partsOf,
  type Signer,
  signerOf,
} from "./openpubkey.ts";

export const forever = new AbortController().signal;

export const ISSUER = "https://home.my.example";
export const KEYS = `${ISSUER}/id/keys`;
export const CLIENT = "3MVG9-app";
export const OWNER = "005xx000000000AAAA";
export const ORG = "00Dxx0000000001EAA";
export const orgSigner = signerOf("RS256");
export const otherOrgSigner = signerOf("RS256");
export const ownersPhone = signerOf("ES256");

export const owner: Identity = { userId: OWNER, name: "Ada", username: "ada@home.example", orgId: ORG };

export const publicOf = ({ jwk }: Signer, kid: string): Members => {
  const { kty, n, e } = jwk;
  return { kty, n, e, kid, use: "sig", alg: "RS256" };
};

/** A board with its checker, an org that publishes keys, and a disk that outlives the board. */
export const createBoard = (
  changes: {
    readonly options?: Partial<SignedCommandsOptions>;
    readonly clock?: VirtualClock;
    readonly disk?: ReturnType<typeof createMemoryDisk>;
    readonly vault?: (vault: Vault) => Vault;
    readonly sure?: () => boolean;
  } = {},
) => {
  const clock = changes.clock ?? new VirtualClock();
  const disk = changes.disk ?? createMemoryDisk();
  const plain = openMemoryVault(disk);
  const vault = changes.vault?.(plain) ?? plain;
  const org = {
    keys: [publicOf(orgSigner, "k1")],
    away: false,
    /** While true, requests wait. */
    asked: 0,
  };
  const http: Http = async () => {
    org.asked++;
    if (org.away) throw new AgentError("ORG_UNREACHABLE");
    return { status: 200, headers: {}, body: JSON.stringify({ keys: org.keys }) };
  };
  const keys = createPublishedKeys({ http, clock, vault });
  const guests = createGuests({ vault, clock, sure: () => true });
  const checker = createSignedCommands(
    {
      clientId: CLIENT,
      deviceId: "porch-1",
      lights: ["main", "stairs"],
      signInHours: 24,
      dialect: "salesforce",
      trust: async () => ({ issuers: [ISSUER, "https://login.org.example"], jwksUrl: KEYS }),
      ...changes.options,
    },
    { keys, guests, vault, clock, sure: changes.sure ?? (() => false) },
  );
  const check = (payload: string | Uint8Array, who: Identity | null = owner): Promise<SignedVerdict> =>
    checker.check(typeof payload === "string" ? new TextEncoder().encode(payload) : payload, who, forever);
  return { clock, disk, vault, org, keys, guests, checker, check };
};

export type Board = ReturnType<typeof createBoard>;

/** Everything that goes into a message; each part may be bent before the next one is made of it. */
export interface Recipe {
  readonly phone?: Signer;
  readonly org?: Signer;
  readonly orgHeader?: Members;
  readonly claims?: Members;
  readonly cic?: Members;
  /** As text, where JSON cannot say it. */
  readonly cicText?: (text: string) => string;
  /** Keeps the nonce of the unbent claims. */
  readonly nonce?: string;
  readonly parts?: (parts: Parts) => Parts;
  readonly compact?: (compact: string) => string;
  readonly fresh?: string;
  readonly header?: Members;
  readonly content?: Members | string;
  readonly osm?: (osm: string) => string;
  readonly envelope?: (pkt: string, osm: string) => string;
  readonly messageBy?: Signer;
}

const seconds = (clock: VirtualClock): number => Math.floor(clock.wall() / 1000);

export const idClaims = (clock: VirtualClock): Members => ({
  iss: ISSUER,
  sub: `${ISSUER}/id/${ORG}/${OWNER}`,
  aud: CLIENT,
  iat: seconds(clock) - 60,
  exp: seconds(clock) + 60,
});

let count = 0;

export const contentOf = (clock: VirtualClock, changes: Members = {}): Members => ({
  porchlight: "command",
  device: "porch-1",
  id: `c${++count}`,
  iat: seconds(clock),
  exp: seconds(clock) + 30,
  do: "light",
  light: "main",
  set: { state: "ON" },
  ...changes,
});

export const orgHeader: Members = { alg: "RS256", kid: "k1", typ: "JWT" };

/** A fresh ID token for the recipe's `fresh`. */
export const freshToken = (
  clock: VirtualClock,
  changes: Members = {},
  by: Signer = orgSigner,
  header: Members = orgHeader,
): string => jwt(by, header, { ...idClaims(clock), iat: seconds(clock), ...changes });

/** A sign-in: the PK token's parts. */
export const signIn = (clock: VirtualClock, recipe: Recipe = {}): Parts => {
  const phone = recipe.phone ?? ownersPhone;
  const cic = { ...cicOf(phone), ...recipe.cic };
  const claims = { ...idClaims(clock), nonce: recipe.nonce ?? commitmentOf(cic), ...recipe.claims };
  const idToken = jwt(recipe.org ?? orgSigner, { ...orgHeader, ...recipe.orgHeader }, claims);
  const text = goMarshal(cic);
  const parts = partsOf(idToken, phone, recipe.cicText?.(text) ?? text);
  return recipe.parts?.(parts) ?? parts;
};

/** A whole message; good unless the recipe says otherwise. */
export const message = (clock: VirtualClock, recipe: Recipe = {}, signedIn?: Parts): string => {
  const phone = recipe.phone ?? ownersPhone;
  const parts = signedIn ?? signIn(clock, recipe);
  const plain = compactOf(parts);
  const bent = recipe.compact?.(plain) ?? plain;
  const pkt = recipe.fresh === undefined ? bent : `${bent}.${recipe.fresh}`;
  const header = { alg: phone.alg, kid: hashOf(parts), typ: "osm", ...recipe.header };
  const content =
    typeof recipe.content === "string" ? recipe.content : JSON.stringify(contentOf(clock, recipe.content));
  const made = messageOf(recipe.messageBy ?? phone, header, content);
  const osm = recipe.osm?.(made) ?? made;
  return recipe.envelope?.(pkt, osm) ?? JSON.stringify({ pkt, osm });
};

/** The code of a verdict, or what it lets through. */
export const codeOf = (verdict: SignedVerdict): string =>
  verdict.ok ? `obeyed ${verdict.request.do}` : verdict.code;

export { b64 };
