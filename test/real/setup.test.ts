// What docs/setup.md says about Mosquitto, taken from there and given to Mosquitto.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connectAsync, type MqttClient } from "mqtt";
import { expect, test } from "vitest";
import { makeCertificates } from "./peers/certificates.ts";
import { freePorts, scratchFolder } from "./peers/scratch.ts";

const env = { ...process.env, PATH: `${process.env.PATH}${delimiter}/usr/sbin` };

/** The first block of code in docs/setup.md that begins with these words. */
const block = (beginning: string): string => {
  const page = readFileSync(new URL("../../docs/setup.md", import.meta.url), "utf8");
  const found = [...page.matchAll(/^```\w*\n(.*?)^```/gms)].map(([, code = ""]) => code);
  const code = found.find((each) => each.startsWith(beginning));
  if (code === undefined) throw new Error(`docs/setup.md has no code that begins with ${beginning}`);
  return code;
};

/** Mosquitto as on the page, but for its ports, its folder and its certificate. */
const mosquittoOfThePage = async (folder: string) => {
  const { server, ca } = makeCertificates(folder, "porch-1");
  const [boards = 0, phones = 0] = await freePorts(2);
  const at = (name: string): string => join(folder, name);
  const configuration = block("per_listener_settings true")
    .replaceAll("/etc/mosquitto/certs/fullchain.pem", server.cert)
    .replaceAll("/etc/mosquitto/certs/privkey.pem", server.key)
    .replaceAll("/etc/mosquitto/", `${folder}/`)
    .replace("listener 8883", `listener ${boards} 127.0.0.1\nsocket_domain ipv4`)
    .replace("listener 8884", `listener ${phones} 127.0.0.1\nsocket_domain ipv4`);
  // As root it would step down and not read its files.
  const asRoot = process.getuid?.() === 0 ? "user root\n" : "";
  writeFileSync(at("porchlight.conf"), `${asRoot}${configuration}`);
  writeFileSync(at("boards.acl"), block("pattern readwrite porchlight/%u/#"), { mode: 0o600 });
  writeFileSync(at("phones.acl"), block("pattern write porchlight/+/command"), { mode: 0o600 });
  execFileSync("mosquitto_passwd", ["-c", "-b", at("boards"), "porch-1", "pw"], { env, stdio: "ignore" });
  const mosquitto = spawn("mosquitto", ["-c", at("porchlight.conf")], { env, stdio: "ignore" });
  const authority = readFileSync(ca);
  const connect = async (
    url: string,
    options: { clientId: string; username?: string; password?: string },
  ) => {
    for (let tries = 0; ; tries++)
      try {
        return await connectAsync(url, { ...options, ca: authority, protocolVersion: 5, reconnectPeriod: 0 });
      } catch (error) {
        const early = error instanceof Error && "code" in error && error.code === "ECONNREFUSED";
        if (!early || tries === 100) throw error;
        await sleep(50);
      }
  };
  return {
    board: (username: string, password: string) =>
      connect(`mqtts://127.0.0.1:${boards}`, { clientId: username, username, password }),
    phone: (clientId: string) =>
      connect(`wss://127.0.0.1:${phones}/`, { clientId, username: clientId, password: "any token" }),
    async [Symbol.asyncDispose]() {
      const ended = once(mosquitto, "exit");
      mosquitto.kill();
      await ended;
    },
  };
};

/** The topics of what arrives at a client, in the order in which it came. */
const topicsAt = (client: MqttClient): string[] => {
  const topics: string[] = [];
  client.on("message", (topic) => topics.push(topic));
  return topics;
};

test("Mosquitto as in docs/setup.md lets boards and phones do what they must, and nothing else", async () => {
  using folder = scratchFolder();
  await using broker = await mosquittoOfThePage(folder.path);
  const board = await broker.board("porch-1", "pw");
  await using _board = { [Symbol.asyncDispose]: () => board.endAsync(true) };
  await expect(broker.board("porch-1", "wrong")).rejects.toMatchObject({ code: 135 });
  const phone = await broker.phone("phone-1");
  await using _phone = { [Symbol.asyncDispose]: () => phone.endAsync(true) };

  const atBoard = topicsAt(board);
  await board.subscribeAsync(["porchlight/porch-1/command", "porchlight/porch-1/light/set"], { qos: 1 });
  await phone.publishAsync("porchlight/porch-1/command", "signed", { qos: 1 });
  await expect(phone.publishAsync("porchlight/porch-1/light/set", "plain", { qos: 1 })).rejects.toMatchObject(
    {
      code: 135,
    },
  );
  await expect.poll(() => atBoard).toEqual(["porchlight/porch-1/command"]);

  const atPhone = topicsAt(phone);
  await phone.subscribeAsync("porchlight/#", { qos: 1 });
  const readable = ["availability", "about", "light/state", "lights/hall/state", "result/phone-1"];
  for (const topic of ["result/phone-2", "result", ...readable])
    await board.publishAsync(`porchlight/porch-1/${topic}`, "said", { qos: 1 });
  await expect.poll(() => atPhone).toEqual(readable.map((topic) => `porchlight/porch-1/${topic}`));
  await expect(board.publishAsync("porchlight/porch-2/about", "said", { qos: 1 })).rejects.toMatchObject({
    code: 135,
  });
});
