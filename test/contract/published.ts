import { Ajv, type ValidateFunction } from "ajv";
import { afterEach, expect } from "vitest";
import { type ChannelName, channelOf, channelOfTopic } from "../../src/broker/contract.ts";
import type { SchemaName } from "../../src/broker/contract-examples.ts";
import { schemaDocument } from "../../src/broker/contract-schemas.ts";

/** A message as a broker has it. */
export interface Published {
  readonly topic: string;
  readonly payload: string;
  /** Missing where whoever looks on cannot tell. */
  readonly retain?: boolean;
  readonly qos?: number;
  /** Who sent it; the board where it is missing. */
  readonly from?: "board" | "others";
}

const ajv = new Ajv({ strict: true, strictTypes: false, strictRequired: false, allErrors: true });
const compiled = new Map<SchemaName, ValidateFunction>();

/** The check of a payload by its schema, as it is published in docs/schemas. */
export const validatorOf = (name: SchemaName): ValidateFunction => {
  const known = compiled.get(name) ?? ajv.compile(schemaDocument(name));
  compiled.set(name, known);
  return known;
};

const parsed = (payload: string): unknown => {
  try {
    return JSON.parse(payload);
  } catch {
    return undefined;
  }
};

/** What is wrong with a message that was published, by the written contract. */
export const mistakesIn = ({ topic, payload, retain, qos, from = "board" }: Published): readonly string[] => {
  const name = channelOfTopic(topic);
  const channel = channelOf(name);
  const told = (what: string): string => `${topic}: ${what}: ${payload}`;
  const found: string[] = [];
  if (channel.from !== from) found.push(told(`not for ${from} to publish on`));
  if (retain !== undefined && retain !== channel.retained) found.push(told(`retain is ${retain}`));
  if (qos !== undefined && qos > channel.qos) found.push(told(`QoS is ${qos}`));
  if (payload === "" && channel.takenBack === true) return found;
  const valid = validatorOf(channel.payload);
  if (!valid(channel.text === true ? payload : parsed(payload)))
    found.push(told(ajv.errorsText(valid.errors, { dataVar: channel.payload })));
  return found;
};

export interface Held {
  /** A message that was published: held to the contract at the end of the test. */
  note(message: Published): void;
  /** Channels that messages have been noted on, in this file so far. */
  readonly channels: ReadonlySet<ChannelName>;
}

/** After every test of the file that calls it, whatever was noted must be as the contract says. */
export const holdToContract = (): Held => {
  const mistakes: string[] = [];
  const channels = new Set<ChannelName>();
  afterEach(() => {
    expect(mistakes.splice(0)).toEqual([]);
  });
  return {
    channels,
    note: (message) => {
      channels.add(channelOfTopic(message.topic));
      mistakes.push(...mistakesIn(message));
    },
  };
};
