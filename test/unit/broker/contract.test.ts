import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Ajv } from "ajv";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { asyncApiDocument } from "../../../build/asyncapi.ts";
import { MAX_PACKET_BYTES } from "../../../src/broker/connection-options.ts";
import { channelNames, channelOf, channelOfTopic } from "../../../src/broker/contract.ts";
import { examples } from "../../../src/broker/contract-examples.ts";
import { schemaDocument, schemaNames } from "../../../src/broker/contract-schemas.ts";
import { topicsOf } from "../../../src/broker/topics.ts";
import { mistakesIn, validatorOf } from "../../contract/published.ts";

type Json = Record<string, unknown>;

const docs = new URL("../../../docs/", import.meta.url);
const published = (file: string): Json => JSON.parse(readFileSync(new URL(file, docs), "utf8"));
const { version } = JSON.parse(readFileSync(new URL("../package.json", docs), "utf8"));

const specification = createRequire(import.meta.url)("@asyncapi/specs").schemas["3.0.0"];
// The specification brings the meta-schema of JSON Schema along, which ajv has as well.
const asyncApi = new Ajv({ strict: false, meta: false, validateSchema: false, validateFormats: false });
const isAsyncApi = asyncApi.compile(specification);

const referencesIn = (value: unknown): string[] => {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) =>
    key === "$ref" && typeof each === "string" ? [each] : referencesIn(each),
  );
};

const at = (document: unknown, reference: string): unknown =>
  reference
    .replace("#/", "")
    .split("/")
    .reduce<unknown>((node, key) => Object(node)[key], document);

describe("the AsyncAPI document", () => {
  const document = asyncApiDocument(version);

  it("is published as the model makes it", () => {
    expect(published("asyncapi.json")).toEqual(JSON.parse(JSON.stringify(document)));
  });

  it("is valid by AsyncAPI's own schema", () => {
    const valid = isAsyncApi(published("asyncapi.json"));
    expect(isAsyncApi.errors ?? []).toEqual([]);
    expect(valid).toBe(true);
  });

  it.each([
    ["a binding that MQTT has not", "servers.tcp.bindings.mqtt", { cleanStart: true }],
    ["an action that there is not", "operations.sendAbout", { action: "publish" }],
    ["a QoS that there is not", "operations.sendAbout.bindings.mqtt", { qos: 3 }],
    ["a channel without an address", "channels.about", { address: 7 }],
  ])("would not be with %s", (_, path, change) => {
    const broken = structuredClone(document);
    Object.assign(at(broken, path.replaceAll(".", "/")) as object, change);
    expect(isAsyncApi(broken)).toBe(false);
  });

  it("refers to nothing that is not in it", () => {
    const references = referencesIn(document);
    expect(references.length).toBeGreaterThan(50);
    for (const reference of references) expect(at(document, reference), reference).toBeDefined();
  });

  it("has the addresses that the code uses, for every board and lamp", () => {
    const topics = topicsOf("porch-1", ["main", "hall"]);
    const real = channelNames.map((name) =>
      channelOf(name).address?.replace("{device}", "porch-1").replace("{light}", "hall"),
    );
    const { availability, about, command, result, discovery } = topics;
    const used = [availability, about, command, result, discovery, "homeassistant/status"];
    const lamps = ["main", "hall"].flatMap((lamp) => Object.values(topics.of(lamp)));
    expect(real.filter((address) => address !== undefined).toSorted()).toEqual(
      [...used, ...lamps].toSorted(),
    );
    for (const topic of [...used, ...lamps])
      expect(topics.parse(topic) !== null, topic).toBe(
        channelOf(channelOfTopic(topic)).answeredOn !== undefined,
      );
    expect(channelOfTopic("somebody/answers")).toBe("response");
  });

  it("says of the connection what the board says in CONNECT", () => {
    expect(at(document, "servers/tcp/bindings/mqtt")).toEqual({
      clientId: "{device}",
      cleanSession: false,
      lastWill: { topic: "porchlight/{device}/availability", qos: 1, message: "offline", retain: true },
      keepAlive: 30,
      sessionExpiryInterval: 3600,
      maximumPacketSize: MAX_PACKET_BYTES,
      bindingVersion: "0.2.0",
    });
  });

  it("gives examples that fit their schemas", () => {
    const messages = Object.values(at(document, "components/messages") as Record<string, Json>);
    expect(messages.length).toBe(channelNames.length + 1);
    for (const { name, examples: shown } of messages)
      for (const { payload } of (shown ?? []) as Json[]) {
        const schema = schemaNames.find((each) => each === name);
        expect(schema !== undefined && validatorOf(schema)(payload), JSON.stringify(payload)).toBe(true);
      }
  });
});

describe("the published JSON Schemas", () => {
  it("are those of the model, and no others", () => {
    expect(readdirSync(new URL("schemas", docs)).toSorted()).toEqual(
      schemaNames.map((name) => `${name}.json`).toSorted(),
    );
    for (const name of schemaNames)
      expect(published(`schemas/${name}.json`)).toEqual(JSON.parse(JSON.stringify(schemaDocument(name))));
  });

  it.each(schemaNames)("say of %s what it is, with examples that fit", (name) => {
    const { $id, title, description, examples: shown } = published(`schemas/${name}.json`);
    expect($id).toBe(`urn:porchlight:schema:${name}`);
    expect([title, description].every((text) => typeof text === "string" && text.length > 3)).toBe(true);
    expect(shown).toEqual(JSON.parse(JSON.stringify(examples[name])));
    for (const example of shown as unknown[]) {
      const valid = validatorOf(name);
      valid(example);
      expect(valid.errors ?? [], JSON.stringify(example)).toEqual([]);
    }
  });
});

describe("what a board publishes against the contract", () => {
  const state = { topic: "porchlight/porch-1/light/state", retain: true, qos: 1 };
  const [example] = examples["light-state"];

  it("is found out", () => {
    const told = (message: Parameters<typeof mistakesIn>[0]): string => mistakesIn(message).join();
    expect(told({ ...state, payload: JSON.stringify(example) })).toBe("");
    expect(told({ ...state, payload: JSON.stringify({ ...Object(example), mood: 1 }) })).toContain(
      "additional",
    );
    expect(told({ ...state, payload: JSON.stringify({ ...Object(example), fault: "NO_SUCH" }) })).toContain(
      "fault",
    );
    expect(told({ ...state, payload: "{nonsense" })).not.toBe("");
    expect(told({ ...state, payload: JSON.stringify(example), retain: false })).toContain("retain");
    expect(told({ ...state, payload: JSON.stringify(example), qos: 2 })).toContain("QoS");
    expect(told({ topic: "porchlight/porch-1/light/set", payload: '{"state":"ON"}' })).toContain(
      "not for board",
    );
    expect(told({ topic: "porchlight/porch-1/mood", payload: '"good"' })).not.toBe("");
    expect(told({ topic: "porchlight/porch-1/availability", payload: "away" })).not.toBe("");
    expect(told({ topic: "porchlight/porch-1/about", payload: "" })).not.toBe("");
    expect(told({ topic: "homeassistant/device/porch-1/config", payload: "" })).toBe("");
  });

  it("is looked at whatever it is", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(mistakesIn({ ...state, payload: JSON.stringify(value) })).not.toEqual([]);
      }),
    );
  });
});
