import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseHere, parseToExamine, parseToLook } from "../../../src/cli/load-settings.ts";
import { completeSettings, openStage, type Stage } from "./stage.ts";

let stage: Stage;
let secrets: string;
beforeEach(async () => {
  stage = await openStage();
  secrets = join(stage.dir, "secrets");
  await mkdir(secrets);
  await writeFile(join(secrets, "mqtt"), "hunter2\n");
});
afterEach(() => stage[Symbol.asyncDispose]());

/** A settings file whose broker wants this. */
const withBroker = (broker: object) => {
  const settings = completeSettings(stage.stateDir);
  return {
    path: stage.settingsPath,
    text: JSON.stringify({ ...settings, broker: { ...settings.broker, ...broker } }),
  };
};
const password = (credential: string) => withBroker({ auth: "password", password: { credential } });
const certificate = () =>
  withBroker({
    url: "mqtts://127.0.0.1:9",
    auth: "certificate",
    cert: { credential: "cert" },
    key: { credential: "secret_key" },
  });

const mistakesOf = (result: ReturnType<typeof parseHere>) => (result.ok ? [] : result.mistakes);

describe("settings whose secrets systemd has, while the service is stopped", () => {
  it("have them from where systemd takes them, for whoever may look there", () => {
    for (const result of [
      parseHere(password("secret_mqtt"), {}, secrets),
      parseToExamine(password("secret_mqtt"), {}, secrets),
    ]) {
      if (!result.ok) throw new Error(JSON.stringify(result.mistakes));
      expect(result.settings.broker.password?.reveal()).toBe("hunter2");
      expect("unread" in result ? result.unread : []).toEqual([]);
    }
  });

  it.each([
    ["another name", "secret_other", /secrets\/other, which does not exist/],
    [
      "what comes from elsewhere",
      "mqtt",
      /\/run\/credentials\/porchlight\.service\/mqtt, which does not exist/,
    ],
    ["a way out of the folder", "secret_..", /is a folder/],
  ])("are not made up: %s", (_, credential, problem) => {
    const [mistake] = mistakesOf(parseHere(password(credential), {}, secrets));
    expect(mistake).toMatchObject({ key: "broker.password", problem: expect.stringMatching(problem) });
    expect(parseToExamine(password(credential), {}, secrets)).toMatchObject({
      ok: true,
      unread: [credential],
    });
  });

  it("stay without them where nobody may look, or somebody has given others", () => {
    const nowhere = join(stage.dir, "nowhere");
    const [mistake] = mistakesOf(parseHere(password("secret_mqtt"), {}, nowhere));
    expect(mistake?.problem).toContain("$CREDENTIALS_DIRECTORY is not set");
    expect(parseToExamine(password("secret_mqtt"), {}, nowhere)).toMatchObject({ unread: ["secret_mqtt"] });
    const env = { CREDENTIALS_DIRECTORY: nowhere };
    expect(mistakesOf(parseHere(password("secret_mqtt"), env, secrets))[0]?.problem).toContain(
      "nowhere/secret_mqtt",
    );
    expect(mistakesOf(parseToExamine(password("secret_mqtt"), env, secrets))).toHaveLength(1);
    expect(parseToExamine(certificate(), env, secrets)).toMatchObject({ ok: true, unread: [] });
  });

  it("name files that are not there, either", () => {
    for (const folder of [secrets, join(stage.dir, "nowhere")])
      expect(parseToExamine(certificate(), {}, folder)).toMatchObject({
        ok: true,
        unread: ["cert", "secret_key"],
      });
    expect(parseToLook(certificate(), {})).toMatchObject({ ok: true, unread: ["cert", "secret_key"] });
  });
});
