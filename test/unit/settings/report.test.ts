import { describe, expect, it } from "vitest";
import { parseReportSettings } from "../../../src/agent/settings-report.ts";
import { board } from "./given.ts";

const org = {
  url: "https://x.my.salesforce.com",
  clientId: "c",
  clientSecret: "s",
  signIn: "client-credentials",
};
const parsed = (file: object) =>
  parseReportSettings({
    file: { path: "report.json", text: JSON.stringify(file) },
    env: {},
    // A server that knows no name of its own.
    board: { ...board, deviceId: undefined, serial: undefined },
    load: () => ({ ok: false, problem: "does not exist" }),
  });

describe("the settings of a report", () => {
  it("need an org, and nothing else", () => {
    const result = parsed({ org });
    expect(result).toMatchObject({ ok: true, settings: { org: { clientId: "c" }, broker: null } });
  });

  it("may have a broker, and lamps that count for nothing", () => {
    const result = parsed({
      org,
      broker: { url: "mqtts://broker.example", auth: "password", username: "report", password: "p" },
      lights: [{ driver: "memory:" }],
    });
    expect(result).toMatchObject({ ok: true, settings: { broker: { username: "report" } } });
  });

  it.each([
    ["a code that nobody approves", { org: { ...org, signIn: "device" } }, "org.signIn"],
    [
      "another kind of org",
      { org: { ...org, dialect: "rfc8628", url: "https://id.example" } },
      "org.dialect",
    ],
    [
      "a broker that wants what boards have",
      { org, broker: { url: "mqtts://broker.example" } },
      "broker.auth",
    ],
    ["wrong lamps", { org, lights: [] }, "lights"],
  ])("refuse %s", (_name, file, key) => {
    const result = parsed(file);
    expect(result.ok ? [] : result.mistakes.map((each) => each.key)).toContain(key);
  });
});
