// `porchlight report` as it is shipped: the org's records over HTTP, the fleet's words from Mosquitto.

import { randomBytes } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import mqtt from "mqtt";
import { expect, test } from "vitest";
import { createOrgKeys } from "../../firmware-sim/org/keys.ts";
import { SimulatedOrg } from "../../firmware-sim/org/org.ts";
import { systemClock } from "../../src/adapters/clock.ts";
import { startCommand } from "./peers/agent.ts";
import { makeCertificates } from "./peers/certificates.ts";
import { startMosquitto } from "./peers/mosquitto.ts";
import { scratchFolder } from "./peers/scratch.ts";

/** More than Mosquitto keeps in line for one client, and than the org tells at once. */
const BOARDS = 2500;

test("a fleet of thousands at Mosquitto is in the report to the last board, and no secret is", async () => {
  await using opening = new AsyncDisposableStack();
  const folder = opening.use(scratchFolder()).path;
  const account = (username: string) => ({ username, password: randomBytes(18).toString("base64url") });
  const [board, reader] = [account("board"), account("phone")];
  const certificates = makeCertificates(folder, "porch-1");
  const broker = opening.use(
    await startMosquitto({ folder, certificates, deviceId: "porch-1", board, phone: reader }),
  );
  const org = new SimulatedOrg({ clock: systemClock, keys: createOrgKeys() });
  org.boardApp.runAs = org.owner.id;
  const listening = await org.listen({ port: 0 });
  opening.defer(() => listening.close());

  const client = await mqtt.connectAsync(broker.plain, reader);
  const retain = (topic: string, text: string) => client.publishAsync(topic, text, { qos: 1, retain: true });
  for (let n = 0; n < BOARDS; n++) {
    org.addAsset({ Name: `Lamp ${n}`, SerialNumber: `SN-${n}`, ContactId: org.owner.contactId });
    const about = {
      device: { name: `Board ${n}`, serial: `SN-${n}` },
      version: "1.4.0",
      lights: [],
      pad: "x".repeat(800),
    };
    await Promise.all([
      retain(`porchlight/porch-${n}/availability`, n % 5 === 0 ? "offline" : "online"),
      retain(`porchlight/porch-${n}/about`, JSON.stringify(about)),
      retain(
        `porchlight/porch-${n}/light/state`,
        '{"state":"ON","brightness":128,"color_mode":"brightness"}',
      ),
    ]);
  }
  await retain("porchlight/porch-7/lights/hall/state", "junk");
  await client.endAsync();

  const secrets = [org.boardApp.clientSecret, reader.password];
  for (const [name, secret] of [
    ["org-secret", secrets[0]],
    ["broker-secret", secrets[1]],
  ] as const)
    writeFileSync(join(folder, name), `${secret}\n`, { mode: 0o600 });
  const settings = join(folder, "report.json");
  writeFileSync(
    settings,
    JSON.stringify({
      org: {
        url: org.baseUrl,
        clientId: org.boardApp.clientId,
        clientSecret: { file: "org-secret" },
        signIn: "client-credentials",
      },
      broker: {
        url: broker.tls,
        auth: "password",
        username: reader.username,
        password: { file: "broker-secret" },
        ca: certificates.ca,
      },
    }),
  );
  const out = join(folder, "reports");
  await using command = startCommand("report", "--settings", settings, "--out", out, "--json");
  expect(await command.end(60_000), command.output()).toEqual({ code: 0, signal: null });
  const told = JSON.parse(command.stdout());
  expect(told).toMatchObject({
    complete: true,
    problems: [],
    summary: { lamps: BOARDS, status: { online: BOARDS * 0.8, offline: BOARDS * 0.2, unknown: 0 } },
  });
  const whole = JSON.parse(readFileSync(join(out, "latest", "report.json"), "utf8"));
  expect(whole.lamps).toHaveLength(BOARDS);
  expect(
    whole.lamps.every(
      ({ deviceId, lights }: { deviceId: string; lights: string }) => deviceId && lights === "on 50 %",
    ),
  ).toBe(true);
  for (const name of ["report.html", "report.json", "report.csv"]) {
    expect(statSync(join(out, "latest", name)).mode & 0o777).toBe(0o600);
    for (const secret of [...secrets, org.accessTokenOf() ?? "none"])
      expect(`${readFileSync(join(out, "latest", name), "utf8")}${command.output()}`).not.toContain(secret);
  }
});
