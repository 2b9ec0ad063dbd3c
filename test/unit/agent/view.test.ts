import { expect, it } from "vitest";
import { initial, type State } from "../../../src/agent/machine.ts";
import { viewOf } from "../../../src/agent/view.ts";
import { AgentError } from "../../../src/errors.ts";
import type { DeviceCode, Identity, SignInLink } from "../../../src/model.ts";
import { epochMs, monoMs, Secret } from "../../../src/units.ts";

const device = { id: "porch-1", name: "Porch light", serial: "1" };
const ada: Identity = { userId: "005", name: "Ada", username: "ada@example.org", orgId: "00D" };
const code: DeviceCode = {
  kind: "code",
  deviceCode: new Secret("never-shown"),
  userCode: "ABCD1234",
  verificationUri: "https://org.example/connect",
  verificationUriComplete: "https://org.example/connect?user_code=ABCD1234",
  intervalMs: 5_000,
  expiresAt: monoMs(600_000),
  expiresAtWall: epochMs(0),
};
const credentials = {
  pass: { kind: "static" },
  identity: ada,
  assetToken: null,
  renewAt: null,
} as const;
const connecting = { name: "connecting", attempt: 0, credentials } as const;
const pausing = (error: AgentError, attempt: number): State => ({
  name: "pausing",
  until: monoMs(5),
  resume: { ...connecting, attempt },
  error,
});

it("a waiting code is shown with its links and its end, and never with the device code", () => {
  const signal = { colour: null, count: 3 };
  const view = viewOf({ name: "waitingForApproval", invitation: code, codes: 1 }, device, null, signal);
  expect(view.code).toEqual({
    kind: "code",
    userCode: code.userCode,
    verificationUri: code.verificationUri,
    verificationUriComplete: code.verificationUriComplete,
    expiresAt: code.expiresAt,
    signal,
  });
  expect(JSON.stringify(view)).not.toContain("never-shown");
});

it("a waiting link is shown with the short way to it and the tunnel, and never with what only the board knows", () => {
  const link: SignInLink = {
    kind: "link",
    url: "https://org.example/authorize?x=1",
    callback: "http://localhost:7878/callback",
    state: new Secret("never-shown-1"),
    nonce: new Secret("never-shown-2"),
    verifier: new Secret("never-shown-3"),
    issuer: null,
    expiresAt: monoMs(600_000),
    expiresAtWall: epochMs(0),
  };
  const seen = (callback: string) =>
    viewOf(
      { name: "waitingForApproval", invitation: { ...link, callback }, codes: 1 },
      device,
      ada,
      null,
      "owner",
      "porch",
    );
  const view = seen(link.callback);
  expect(view).toMatchObject({ headline: "Make this lamp yours", owner: null });
  expect(view.detail).not.toMatch(/scan/i);
  expect(view.code).toEqual({
    kind: "link",
    url: link.url,
    start: "http://localhost:7878/",
    tunnel: "ssh -L 7878:localhost:7878 porch",
    expiresAt: link.expiresAt,
  });
  expect(seen("http://[::1]/back").code).toMatchObject({
    start: "http://[::1]/",
    tunnel: "ssh -L 80:[::1]:80 porch",
  });
  expect(JSON.stringify(view)).not.toContain("never-shown");
});

it("online shows whose lamp it is", () => {
  const view = viewOf({ name: "online", credentials, since: monoMs(0), attempt: 0 }, device, ada, null);
  expect(view).toMatchObject({ online: true, owner: "Ada", problem: null });
  expect(view.headline).toContain("Ada");
});

it("online without a known owner is still ready", () => {
  const view = viewOf({ name: "online", credentials, since: monoMs(0), attempt: 0 }, device, null, null);
  expect(view).toMatchObject({ online: true, owner: null, headline: "Ready" });
});

it("an org that tells no name gives the lamp none", () => {
  const nobody: Identity = { userId: "unknown", name: "unknown", username: null, orgId: null };
  const view = viewOf({ name: "online", credentials, since: monoMs(0), attempt: 0 }, device, nobody, null);
  expect(view).toMatchObject({ owner: null, headline: "Ready" });
});

it("a first lost connection looks like connecting, a lasting one like a problem with what to do", () => {
  const lost = new AgentError("BROKER_LOST");
  expect(viewOf(pausing(lost, 1), device, ada, null).problem).toBeNull();
  expect(viewOf(pausing(lost, 2), device, ada, null).problem).toMatchObject({
    code: "BROKER_LOST",
    retryAt: 5,
  });
});

it("what a person must mend is shown at once", () => {
  expect(viewOf(pausing(new AgentError("BROKER_FORBIDS"), 1), device, ada, null).problem).toMatchObject({
    code: "BROKER_FORBIDS",
  });
});

it("stopping because of a fault says which", () => {
  const error = new AgentError("STATE_UNWRITABLE");
  expect(viewOf({ name: "stopping", exitCode: 73, error }, device, null, null).problem).toMatchObject({
    code: "STATE_UNWRITABLE",
    retryAt: null,
  });
});

it.each<[State]>([
  [initial],
  [{ name: "askingCode", attempt: 0, codes: 0, revoke: false }],
  [{ name: "exchanging", attempt: 0, replace: false }],
  [connecting],
  [{ name: "stopping", exitCode: 0, error: null }],
  [{ name: "stopped", exitCode: 0 }],
])("every other state has a headline and no problem: %j", (state) => {
  const view = viewOf(state, device, null, null);
  expect(view.headline).not.toBe("");
  expect(view).toMatchObject({ problem: null, code: null, online: false, state: state.name });
});

it("an online board says whom it obeys", () => {
  const online = { ...connecting, name: "online", since: monoMs(0) } as State;
  expect(viewOf(online, device, ada, null, "owner").detail).toBe("This lamp obeys its owner's phone.");
  expect(viewOf(online, device, ada, null, "broker").detail).toContain("whoever the broker lets through");
});
