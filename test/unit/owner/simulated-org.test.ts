import { describe, expect, it } from "vitest";
import { findOrg, type OrgConfig } from "../../../companion/core/org.ts";
import { createPhoneKey, nonceOf } from "../../../companion/core/phone-key.ts";
import { createPkToken } from "../../../companion/core/pk-token.ts";
import { beginSignIn, finishSignIn } from "../../../companion/core/sign-in.ts";
import { signCommand } from "../../../companion/core/signed-message.ts";
import { openMemoryVault } from "../../../src/adapters/memory-vault.ts";
import { AgentError } from "../../../src/errors.ts";
import type { Identity } from "../../../src/model.ts";
import { createPublishedKeys } from "../../../src/org-keys/published-keys.ts";
import { createSignedCommands } from "../../../src/owner/checker.ts";
import { createGuests } from "../../../src/owner/guests.ts";
import { BASE, openBrowser, openDesk, pkce, text } from "../sim-org/desk.ts";

const CALLBACK = "http://127.0.0.1:8765/callback";
const forever = new AbortController().signal;

/** A phone that signs in at the simulated org by the web server flow with PKCE, and a board that its owner has approved. */
const home = () => {
  const desk = openDesk();
  const { clock, org } = desk;
  const vault = openMemoryVault();
  const http = org.http((silence) => new AgentError(silence.code));
  const keys = createPublishedKeys({ http, clock, vault });
  const { clientId } = org.phoneApp;
  const board = createSignedCommands(
    {
      clientId,
      deviceId: "porch-1",
      lights: ["main"],
      signInHours: 24,
      dialect: "salesforce",
      trust: async () => ({ issuers: [BASE], jwksUrl: `${BASE}/id/keys` }),
    },
    { keys, guests: createGuests({ vault, clock, sure: () => true }), vault, clock, sure: () => true },
  );

  const tokens = async (nonce: string, user = org.owner) => {
    const browser = openBrowser(desk);
    const { verifier, challenge } = pkce();
    const query = {
      response_type: "code",
      client_id: clientId,
      redirect_uri: CALLBACK,
      code_challenge: challenge,
      scope: "api openid refresh_token",
      nonce,
    };
    const login = await browser.open(`/services/oauth2/authorize?${new URLSearchParams(query)}`);
    const approve = await browser.signIn(login, user);
    const back = await browser.submit(approve, "/setup/approve", { decision: "allow" });
    const code = new URL(back.headers.location ?? "").searchParams.get("code") ?? "";
    const redeem = { grant_type: "authorization_code", client_id: clientId, redirect_uri: CALLBACK, code };
    return (await desk.token({ ...redeem, code_verifier: verifier })).fields;
  };

  /** Whom the org names to the board. */
  const owner = async (): Promise<Identity> => ({
    userId: org.owner.id,
    name: "Ada",
    username: org.owner.username,
    orgId:
      text(await tokens("n"), "id")
        .split("/")
        .at(-2) ?? null,
  });
  return { desk, clock, board, tokens, owner, clientId };
};

const ask = { do: "light", light: "main", set: { state: "ON" } };

describe("a phone that signed in at the simulated org", () => {
  it("commands the board, and after a day with a refreshed ID token", async () => {
    const { desk, clock, board, tokens, owner, clientId } = home();
    const key = await createPhoneKey();
    const fields = await tokens(nonceOf(key));
    const pkToken = await createPkToken(text(fields, "id_token"), key);
    const who = await owner();
    const send = async (id: string, freshIdToken: string | null): Promise<string> => {
      const signer = { kind: "person", key, pkToken, freshIdToken } as const;
      const sent = await signCommand(signer, { device: "porch-1", id, ask }, clock.wall());
      const verdict = await board.check(new TextEncoder().encode(sent), who, forever);
      return verdict.ok ? verdict.sender.kind : verdict.code;
    };
    expect(await send("a", null)).toBe("owner");
    expect(await send("a", null)).toBe("COMMAND_REPEATED");
    await clock.advance(24 * 3_600_000 + 1000);
    expect(await send("b", null)).toBe("COMMAND_SIGN_IN_OLD");
    const refreshed = await desk.token({
      grant_type: "refresh_token",
      client_id: clientId,
      refresh_token: text(fields, "refresh_token"),
    });
    expect(await send("c", text(refreshed.fields, "id_token"))).toBe("owner");
  });

  it("commands the board after the legacy user-agent flow, too, for as long as its ID token is fresh", async () => {
    const { desk, clock, board, owner, clientId } = home();
    const key = await createPhoneKey();
    const config = {
      url: BASE,
      dialect: "salesforce",
      clientId,
      scope: "openid api",
      codePage: null,
    } as const;
    const org: OrgConfig = { ...config, signIn: "user-agent" };
    const http = desk.org.http((silence) => new AgentError(silence.code));
    const places = await findOrg(org, http, forever);
    const { url, begun } = await beginSignIn(org, places, CALLBACK, key, clock.wall());
    const browser = openBrowser(desk);
    const approve = await browser.signIn(await browser.open(url.slice(BASE.length)));
    const { headers } = await browser.submit(approve, "/setup/approve", { decision: "allow" });
    const access = { org, places, http, now: () => clock.wall() };
    const address = new URL(headers.location ?? "");
    const { pkToken } = await finishSignIn(access, begun, key, address, forever);
    const who = await owner();
    const send = async (id: string): Promise<string> => {
      const signer = { kind: "person", key, pkToken, freshIdToken: null } as const;
      const sent = await signCommand(signer, { device: "porch-1", id, ask }, clock.wall());
      const verdict = await board.check(new TextEncoder().encode(sent), who, forever);
      return verdict.ok ? verdict.sender.kind : verdict.code;
    };
    expect(await send("a")).toBe("owner");
    await clock.advance(24 * 3_600_000 + 1000);
    expect(await send("b")).toBe("COMMAND_SIGN_IN_OLD");
  });

  it("is refused when somebody else signed in on it, or nobody chose its nonce", async () => {
    const { desk, clock, board, tokens, owner } = home();
    const who = await owner();
    const other = desk.org.users.find(({ id }) => id !== desk.org.owner.id);
    const send = async (nonce: "its" | "another", user = desk.org.owner): Promise<string> => {
      const key = await createPhoneKey();
      const fields = await tokens(nonce === "its" ? nonceOf(key) : "another", user);
      const pkToken = await createPkToken(text(fields, "id_token"), key);
      const signer = { kind: "person", key, pkToken, freshIdToken: null } as const;
      const sent = await signCommand(signer, { device: "porch-1", id: "a", ask }, clock.wall());
      const verdict = await board.check(new TextEncoder().encode(sent), who, forever);
      return verdict.ok ? "obeyed" : verdict.code;
    };
    expect(await send("its", other)).toBe("COMMAND_NOT_OWNER");
    expect(await send("another")).toBe("COMMAND_NONCE");
  });
});
