import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { allowAll } from "../../../firmware-sim/broker/access.ts";
import { SimulatedBroker } from "../../../firmware-sim/broker/broker.ts";
import { createOrgKeys } from "../../../firmware-sim/org/keys.ts";
import { SimulatedOrg } from "../../../firmware-sim/org/org.ts";
import { systemClock } from "../../../src/adapters/clock.ts";
import { type Outcome, openStage, type Stage } from "./stage.ts";

let org: SimulatedOrg;
let broker: SimulatedBroker;
let brokerUrl: string;
let stage: Stage;
const closing = new AsyncDisposableStack();

beforeAll(async () => {
  org = new SimulatedOrg({ clock: systemClock, keys: createOrgKeys() });
  org.boardApp.runAs = org.owner.id;
  const listening = await org.listen({ port: 0 });
  broker = new SimulatedBroker({ clock: systemClock, authenticate: allowAll });
  const brokerListening = await broker.listen({ wsPort: 0 });
  brokerUrl = brokerListening.url;
  closing.defer(() => listening.close());
  closing.defer(() => brokerListening.close());
  closing.defer(() => broker.close());
  for (let n = 0; n < 5; n++)
    org.addAsset({ Name: `Lamp ${n}`, SerialNumber: `S${n}`, ContactId: org.owner.contactId });
  stage = closing.use(await openStage(settings()));
});
afterAll(() => closing.disposeAsync());

const settings = (broker?: object) => ({
  org: {
    url: org.baseUrl,
    clientId: org.boardApp.clientId,
    clientSecret: org.boardApp.clientSecret,
    signIn: "client-credentials",
  },
  ...(broker === undefined ? {} : { broker }),
});

const out = (name: string): string => join(stage.dir, name);
const run = (...args: string[]): Promise<Outcome> => stage.run(["report", ...args]);
const withSettings = (name: string, content: object): string => {
  const path = out(name);
  writeFileSync(path, JSON.stringify(content));
  return path;
};

describe("porchlight report", () => {
  it("writes the page, the tables and a line for the log, for nobody else's eyes", async () => {
    const { code, out: said, err } = await run("--out", out("plain"));
    expect([code, err]).toEqual([0, ""]);
    expect(said).toMatch(/^5 lamps: 0 online, 0 offline, 5 unknown; 5 need attention\.\n/);
    expect(readdirSync(out("plain/latest")).sort()).toEqual(["report.csv", "report.html", "report.json"]);
    expect(statSync(out("plain/latest/report.html")).mode & 0o777).toBe(0o600);
    const all = ["report.csv", "report.html", "report.json"].map((name) =>
      readFileSync(out(`plain/latest/${name}`), "utf8"),
    );
    expect(`${said}${all.join("")}`).not.toContain(org.boardApp.clientSecret);
    expect(`${said}${all.join("")}`).not.toContain(org.accessTokenOf() ?? "no token");
  });

  it("tells a program what it told a person, and asks only for the lamps of a condition", async () => {
    const { code, out: said } = await run("--out", out("json"), "--json", "--where", "SerialNumber = 'S3'");
    expect(code).toBe(0);
    const told = JSON.parse(said);
    expect(told).toMatchObject({ schema: "porchlight-report/1", complete: true, summary: { lamps: 1 } });
    expect(existsSync(join(told.folder, "report.html"))).toBe(true);
    expect(told).not.toHaveProperty("lamps");
  });

  it("signs in with what an identity provider has signed, too", async () => {
    const app = { key: org.boardApp.certificateKey, admitted: [...org.boardApp.preauthorized] };
    org.trustSimulatedProvider();
    const answer = await fetch(`${org.baseUrl}/simulated-idp/saml?flow=saml-bearer`);
    writeFileSync(out("assertion.xml"), await answer.text());
    const { url, clientId } = settings().org;
    const assertion = { file: out("assertion.xml") };
    const path = withSettings("saml.json", { org: { url, clientId, signIn: "saml-bearer", assertion } });
    const { code, out: said, err } = await run("--out", out("saml"), "--settings", path);
    org.boardApp.certificateKey = app.key;
    org.boardApp.preauthorized.splice(0, Number.POSITIVE_INFINITY, ...app.admitted);
    expect([code, err]).toEqual([0, ""]);
    expect(said).toContain("5 lamps");
  });

  it("joins what the broker keeps", async () => {
    broker.publish("porchlight/porch-9/availability", "online", { retain: true });
    broker.publish("porchlight/porch-9/about", '{"device":{"name":"P","serial":"S2"},"version":"1.0.0"}', {
      retain: true,
    });
    const path = withSettings("broker.json", settings({ url: brokerUrl, auth: "none" }));
    const { code, out: said, err } = await run("--out", out("broker"), "--settings", path);
    expect([code, err]).toEqual([0, ""]);
    expect(said).toContain("5 lamps: 1 online");
  });

  it("makes a report without a broker that is away, and ends with a code that says so", async () => {
    const server = createServer((socket) => socket.destroy());
    const port = await new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
    });
    const auth = { auth: "password", username: "report", password: "p" };
    const path = withSettings("away.json", settings({ url: `mqtt://127.0.0.1:${port}`, ...auth }));
    const { code, err } = await run("--out", out("away"), "--settings", path);
    server.close();
    expect(code).toBe(75);
    expect(err).toContain("REPORT_INCOMPLETE");
    expect(err).toContain("BROKER_");
    expect(readFileSync(out("away/latest/report.html"), "utf8")).toContain("Not complete");
  });

  it.each([
    [["--out", "x", "--keep", "0"], "--keep takes a whole number"],
    [["--out", "x", "--most", "many"], "--most takes a whole number"],
    [["--out", "x", "--where", " "], "--where takes a condition"],
    [["--out", "x", "--timeout", "soon"], "--timeout takes a time"],
    [["--out", "x", "--broker-wait", "2s"], "--broker-wait takes 3s or more"],
    [[], "report needs --out DIR"],
  ])("refuses %j", async (args, words) => {
    const { code, err } = await run(...args);
    expect([code, err.includes(words)]).toEqual([64, true]);
  });

  it("refuses settings of a board, and says what a server needs", async () => {
    const path = withSettings("board.json", { org: { clientId: "c" } });
    const { code, err } = await run("--out", out("board"), "--settings", path);
    expect(code).toBe(78);
    expect(err).toContain("org.signIn");
    expect(err).not.toMatch(/lights|broker\.url/);
  });

  it("does not wait for ever, and leaves nothing behind", async () => {
    org.answerDelayMs = 5000;
    const { code, err } = await run("--out", out("late"), "--timeout", "300ms");
    org.answerDelayMs = 0;
    expect([code, err.includes("REPORT_LATE")]).toEqual([75, true]);
    expect(existsSync(out("late"))).toBe(false);
  });

  it("says what keeps it from signing in or reading", async () => {
    org.boardApp.runAs = null;
    expect(await run("--out", out("closed"))).toMatchObject({
      code: 1,
      err: expect.stringContaining("SIGN_IN_CLOSED"),
    });
    org.boardApp.runAs = org.owner.id;
    org.hidden = ["Asset"];
    expect((await run("--out", out("closed"))).err).toContain("ASSET_RECORD_CLOSED");
    org.hidden = [];
  });

  it("says where it cannot write, and keeps what is there", async () => {
    mkdirSync(out("taken"));
    writeFileSync(out("taken/file"), "");
    const { code, err } = await run("--out", out("taken/file/below"));
    expect([code, err.includes("REPORT_CANNOT_WRITE")]).toEqual([73, true]);
  });

  it("shows a person at a terminal how far it is, and takes that away again", async () => {
    const started = stage.start(["report", "--out", out("tty")], { tty: true });
    expect(await started.done).toBe(0);
    expect(started.written.err).toContain("5 of 5 Asset records");
    expect(started.written.err.endsWith("\r\u001b[K")).toBe(true);
  });
});
