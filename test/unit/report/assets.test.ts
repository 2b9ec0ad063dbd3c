import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createOrgKeys } from "../../../firmware-sim/org/keys.ts";
import { SimulatedOrg } from "../../../firmware-sim/org/org.ts";
import { createMemoryDisk, openMemoryVault } from "../../../src/adapters/memory-vault.ts";
import { createOrg } from "../../../src/device-flow/org.ts";
import { createSession } from "../../../src/device-flow/session.ts";
import { AgentError } from "../../../src/errors.ts";
import type { Http, HttpRequest, HttpResponse, Session } from "../../../src/ports.ts";
import { type AssetOptions, type Assets, readAssets } from "../../../src/report/assets.ts";
import { Secret } from "../../../src/units.ts";

const never = new AbortController().signal;
const keys = createOrgKeys();

let clock: VirtualClock;
let org: SimulatedOrg;
let session: Session;
/** What becomes of each request to the data, before the org sees it. */
let meddle: (request: HttpRequest, nth: number) => HttpResponse | AgentError | undefined;
let requests: string[];

const http: Http = async (request, signal) => {
  if (!request.url.includes("/services/data/")) return org.http()(request, signal);
  requests.push(new URL(request.url).pathname);
  const instead = meddle(request, requests.length);
  if (instead instanceof AgentError) throw instead;
  return instead ?? org.http()(request, signal);
};

beforeEach(async () => {
  clock = new VirtualClock();
  org = new SimulatedOrg({ clock, keys, baseUrl: "https://northwind.example" });
  org.boardApp.runAs = org.owner.id;
  requests = [];
  meddle = () => undefined;
  const { clientId, clientSecret } = org.boardApp;
  const client = createOrg(
    {
      dialect: "salesforce",
      url: org.baseUrl,
      clientId,
      clientSecret: new Secret(clientSecret),
      scope: "api",
      signIn: "client-credentials",
    },
    { http, clock },
  );
  session = createSession({ org: client, vault: openMemoryVault(createMemoryDisk()), clock });
  const grant = await client.signIn?.(never);
  if (grant !== undefined) await session.adopt(grant);
});
afterEach(() => clock[Symbol.dispose]());

const read = (over: Partial<AssetOptions> = {}, signal = never): Promise<Assets> =>
  clock.until(
    readAssets(
      { fields: {}, where: null, most: 100_000, progress: () => undefined, ...over },
      { http, clock, random: () => 0.5, session },
      signal,
    ),
    24 * 3_600_000,
  );

const fill = (count: number): void => {
  for (let n = 0; n < count; n++) org.addAsset({ Name: `Lamp ${n}`, SerialNumber: `S${n}` });
};
const answer = (status: number, body: unknown): HttpResponse => ({
  status,
  headers: {},
  body: typeof body === "string" ? body : JSON.stringify(body),
});
const refusing =
  (errorCode: string): typeof meddle =>
  ({ url }) =>
    url.includes("query") ? answer(400, [{ errorCode, message: "x" }]) : undefined;
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "nothing thrown",
    (error: unknown) => (error instanceof AgentError ? error.code : String(error)),
  );

describe("the Asset records", () => {
  it("are read with their owners and what boards wrote", async () => {
    org.addAsset({
      Name: "Porch\nlight",
      SerialNumber: "S1",
      ContactId: org.owner.contactId,
      Porchlight_DeviceId__c: "porch-1",
      Porchlight_Online__c: true,
      Porchlight_Lights__c: "Porch: off",
      Porchlight_LastSeen__c: "2026-12-01T16:00:00.000+0000",
      Porchlight_Firmware__c: "1.4.0",
    });
    const { assets, total, missing, knowsLastSeen, problem } = await read();
    expect(assets).toMatchObject([
      {
        name: "Porch light",
        serial: "S1",
        contact: "Ada Okafor",
        account: null,
        hasOwner: true,
        deviceId: "porch-1",
        online: true,
        lights: "Porch: off",
        fault: null,
        lastSeen: Date.parse("2026-12-01T16:00:00Z"),
        firmware: "1.4.0",
        signedInUntil: null,
      },
    ]);
    expect({ total, missing, knowsLastSeen, problem }).toEqual({
      total: 1,
      missing: [],
      knowsLastSeen: true,
      problem: null,
    });
  });

  it("are all read, page by page, and none twice", async () => {
    fill(25);
    org.pageSize = 10;
    const seen: string[] = [];
    const { assets, total } = await read({ progress: (n, all) => seen.push(`${n} of ${all}`) });
    expect(new Set(assets.map(({ serial }) => serial)).size).toBe(25);
    expect(total).toBe(25);
    expect(seen).toEqual(["10 of 25", "20 of 25", "25 of 25"]);
    expect((await read({ where: "SerialNumber = 'S7'" })).assets).toHaveLength(1);
  });

  it("are none in an org without any", async () => {
    expect(await read()).toMatchObject({ assets: [], total: 0, problem: null });
  });

  it("are read without what the org does not have or does not show", async () => {
    fill(1);
    org.hidden = ["Asset.Porchlight_LastSeen__c", "Contact", "Asset.SerialNumber"];
    expect(await read()).toMatchObject({
      assets: [{ name: "Lamp 0", serial: null, contact: null, lastSeen: null }],
      missing: ["SerialNumber", "Contact.Name", "Porchlight_LastSeen__c"],
      knowsLastSeen: false,
    });
  });

  it("are read from an org that does not describe them: it names what it does not know", async () => {
    fill(1);
    org.hidden = ["Asset.Porchlight_LastSeen__c", "Contact"];
    meddle = ({ url }) =>
      url.endsWith("/describe")
        ? answer(403, [{ errorCode: "FUNCTIONALITY_NOT_ENABLED", message: "no" }])
        : undefined;
    const { assets, missing } = await read();
    expect(assets).toHaveLength(1);
    expect(missing).toEqual(["Contact.Name", "Porchlight_LastSeen__c"]);
  });

  it.each([
    ["INVALID_FIELD", "No such relation 'Account' on entity 'Asset'"],
    ["INVALID_TYPE", "sObject type 'Account' is not supported."],
  ])(
    "are read without an object that nobody may see, however that is said: %s",
    async (errorCode, message) => {
      fill(1);
      meddle = ({ url }) =>
        decodeURIComponent(url).includes("Account.Name") ? answer(400, [{ errorCode, message }]) : undefined;
      expect(await read()).toMatchObject({ total: 1, missing: ["Account.Name"], problem: null });
    },
  );

  it("may keep what boards wrote in other fields", async () => {
    org.addAsset({ Name: "A", Status: "on 40 %" });
    const { assets, knowsLastSeen } = await read({
      fields: { Status: "{lights}", Description: "{lastSeen}, {firmware}" },
    });
    expect([assets[0]?.lights, assets[0]?.deviceId, knowsLastSeen]).toEqual(["on 40 %", null, false]);
  });
});

describe("an org that does not make it easy", () => {
  it("is asked for a page again when that fails, and all is read", async () => {
    fill(250);
    org.pageSize = 10;
    const bad = [
      answer(200, "<html>maintenance"),
      answer(503, ""),
      new AgentError("ORG_UNREACHABLE"),
      answer(500, [{ errorCode: "UNKNOWN_EXCEPTION", message: "x" }]),
    ];
    meddle = (_request, nth) => (nth >= 5 ? bad.shift() : undefined);
    expect((await read()).assets).toHaveLength(250);
    expect(bad).toEqual([]);
  });

  it("gets a new access token when one ends in the middle", async () => {
    fill(50);
    org.pageSize = 10;
    meddle = (_request, nth) => {
      if (nth === 4) org.expireAccessTokens();
      return undefined;
    };
    expect(await read()).toMatchObject({ total: 50, problem: null });
  });

  it("has told what it told before it went away for good, or forgot the rest", async () => {
    fill(50);
    org.pageSize = 10;
    meddle = (_request, nth) => (nth >= 4 ? new AgentError("ORG_TIMEOUT") : undefined);
    const away = await read();
    expect([away.assets.length, away.total, away.problem?.code]).toEqual([20, 50, "ORG_TIMEOUT"]);
    requests = [];
    meddle = (_request, nth) => {
      if (nth === 4) org.forgetCursors();
      return undefined;
    };
    const forgotten = await read();
    expect([forgotten.assets.length, forgotten.problem?.code]).toEqual([20, "ORG_ANSWER_INVALID"]);
  });

  it.each([
    ["https://elsewhere.example/services/data/v60.0/query/1-2000"],
    ["//elsewhere.example/query/1-2000"],
    ["/services/data/v60.0/query/../../oauth2/token"],
    [7],
  ])("never gets the token sent to %s", async (nextRecordsUrl) => {
    fill(1);
    meddle = ({ url }) =>
      url.includes("/query?")
        ? answer(200, { totalSize: 4000, done: false, nextRecordsUrl, records: [7, { Id: "02i" }, {}] })
        : undefined;
    const { assets, problem } = await read();
    expect([assets.length, problem?.code, requests.length]).toEqual([1, "ORG_ANSWER_INVALID", 2]);
  });

  it("with more records than are wanted is read so far", async () => {
    fill(30);
    org.pageSize = 10;
    for (const most of [15, 10, 25]) {
      const { assets, problem } = await read({ most });
      expect([assets.length, problem?.code]).toEqual([most, "REPORT_INCOMPLETE"]);
      expect(problem?.message).toContain(`${most} of 30`);
    }
    expect((await read({ most: 30 })).problem).toBeNull();
  });

  it.each([
    [
      "shows nobody any Asset",
      () => {
        org.hidden = ["Asset"];
      },
      "ASSET_RECORD_CLOSED",
    ],
    [
      "has no requests left today",
      () => {
        org.apiRequestsPerDay = 0;
      },
      "ORG_BUSY",
    ],
    [
      "answers with a page for people",
      () => {
        meddle = () => answer(200, "<html>");
      },
      "ORG_ANSWER_INVALID",
    ],
    [
      "does not take the condition",
      () => {
        meddle = refusing("MALFORMED_QUERY");
      },
      "ASSET_RECORD_CLOSED",
    ],
    [
      "complains of no field in particular",
      () => {
        meddle = refusing("INVALID_FIELD");
      },
      "ASSET_RECORD_CLOSED",
    ],
    [
      "sends too much",
      () => {
        meddle = () => answer(200, `{"a":"${"x".repeat(9_000_000)}"}`);
      },
      "ORG_ANSWER_TOO_LARGE",
    ],
  ])("and %s makes no report", async (_name, arrange, code) => {
    fill(1);
    arrange();
    expect(await codeOf(read())).toBe(code);
  });

  it("is let go of when somebody says stop", async () => {
    fill(20);
    org.pageSize = 10;
    const stop = new AbortController();
    meddle = (_request, nth) => {
      if (nth === 3) stop.abort(new AgentError("INTERRUPTED"));
      return nth >= 3 ? new AgentError("ORG_TIMEOUT") : undefined;
    };
    expect(await codeOf(read({}, stop.signal))).toBe("INTERRUPTED");
    expect(clock.waiting).toBe(0);
  });
});
