// The peers by themselves: what the other tests in this folder stand on.

import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { makeCertificates, pem } from "./peers/certificates.ts";
import { startMosquitto } from "./peers/mosquitto.ts";
import { startOidcProvider } from "./peers/oidc.ts";
import { visit } from "./peers/person.ts";
import { openPhone } from "./peers/phone.ts";
import { scratchFolder } from "./peers/scratch.ts";

const form = async (
  url: string,
  fields: Record<string, string>,
): Promise<{ status: number; body: Record<string, string> }> => {
  const response = await fetch(url, { method: "POST", body: new URLSearchParams(fields) });
  const answer = await response.text();
  return { status: response.status, body: answer === "" ? {} : JSON.parse(answer) };
};

const askCode = async (issuer: string) => {
  const { status, body } = await form(`${issuer}/device/auth`, {
    client_id: "porchlight",
    scope: "openid profile offline_access",
  });
  expect(status).toBe(200);
  const {
    user_code: userCode = "",
    verification_uri_complete: link = "",
    device_code: deviceCode = "",
  } = body;
  return { userCode, link, deviceCode };
};

const poll = (issuer: string, deviceCode: string) =>
  form(`${issuer}/token`, {
    client_id: "porchlight",
    grant_type: "urn:ietf:params:oauth:grant-type:device_code",
    device_code: deviceCode,
  });

test("the provider gives tokens for a code that the person approved, and rotates refresh tokens", async () => {
  await using provider = await startOidcProvider();
  const { userCode, link, deviceCode } = await askCode(provider.issuer);
  expect((await poll(provider.issuer, deviceCode)).body.error).toBe("authorization_pending");

  const seen = await visit(link, "approves", { userCode });
  expect(seen).toMatchObject({ status: 200, sawCode: true });

  const granted = await poll(provider.issuer, deviceCode);
  expect(granted.status).toBe(200);
  const first = granted.body.refresh_token ?? "";
  expect(await provider.isAlive(first)).toBe(true);
  const refresh = (refreshToken: string) =>
    form(`${provider.issuer}/token`, {
      client_id: "porchlight",
      grant_type: "refresh_token",
      refresh_token: refreshToken,
    });
  const renewed = await refresh(first);
  expect(renewed.status).toBe(200);
  expect(renewed.body.refresh_token).not.toBe(first);
  expect(await provider.isAlive(first)).toBe(false);
  expect(provider.secrets).toContain(renewed.body.access_token);

  await form(`${provider.issuer}/token/revocation`, {
    client_id: "porchlight",
    token: renewed.body.refresh_token ?? "",
  });
  expect(await provider.isAlive(renewed.body.refresh_token ?? "")).toBe(false);
});

test("the provider tells the device when the person said no", async () => {
  await using provider = await startOidcProvider();
  const { userCode, link, deviceCode } = await askCode(provider.issuer);
  await visit(link, "denies", { userCode });
  expect((await poll(provider.issuer, deviceCode)).body.error).toBe("access_denied");
});

test("the broker lets in who it knows, refuses a wrong password, and keeps retained messages over a restart", async () => {
  using folder = scratchFolder();
  const certificates = makeCertificates(folder.path, "porch-1");
  const board = { username: "board", password: "board-password" };
  const phoneAccount = { username: "phone", password: "phone-password" };
  await using broker = await startMosquitto({
    folder: folder.path,
    certificates,
    deviceId: "porch-1",
    board,
    phone: phoneAccount,
  });
  {
    await using phone = await openPhone(broker.tls, phoneAccount, "porch-1", { ca: pem(certificates.ca) });
    await phone.publish("light/state", { state: "ON" }, { retain: true });
    await phone.until("its own message", ({ topic }) => topic === "light/state");
    await expect(
      openPhone(broker.plain, { ...phoneAccount, password: "wrong" }, "porch-1"),
    ).rejects.toThrow();
  }
  await sleep(1_500); // it saves once a second
  await broker.stop("SIGKILL");
  await broker.start();
  await using phone = await openPhone(broker.plain, phoneAccount, "porch-1");
  const kept = await phone.until("the retained state", ({ topic }) => topic === "light/state");
  expect(kept).toMatchObject({ payload: { state: "ON" }, retained: true });
});
