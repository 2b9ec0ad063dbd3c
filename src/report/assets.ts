// Reads the org's Asset records: all of them, page by page, and only the fields that the org has and shows.

import { chosenFields, type FieldTemplate } from "../agent/asset-state.ts";
import { inItsWords, type Members } from "../device-flow/answer.ts";
import { readRest, restGet, soqlRequest } from "../device-flow/rest.ts";
import { AgentError, asAgentError } from "../errors.ts";
import type { Grant } from "../model.ts";
import type { Clock, Http, HttpRequest, HttpResponse, Random, Session } from "../ports.ts";
import { type EpochMs, epochMs } from "../units.ts";
import { plainText } from "./plain-text.ts";
import { retrying } from "./retrying.ts";

/** An Asset record, as far as the org tells. */
export interface Asset {
  readonly id: string;
  readonly name: string | null;
  readonly serial: string | null;
  readonly contact: string | null;
  readonly account: string | null;
  /** True where the record names somebody, though this user may not see the name. */
  readonly hasOwner: boolean;
  readonly deviceId: string | null;
  readonly online: boolean | null;
  readonly lights: string | null;
  readonly fault: string | null;
  readonly lastSeen: EpochMs | null;
  readonly firmware: string | null;
  readonly signedInUntil: EpochMs | null;
}

export interface Assets {
  readonly assets: readonly Asset[];
  /** How many the org says that there are. */
  readonly total: number;
  /** Fields that were wanted, and that the org does not have or does not show. */
  readonly missing: readonly string[];
  /** False where no field says when a board was last seen. */
  readonly knowsLastSeen: boolean;
  /** Why these are not all, or null. */
  readonly problem: AgentError | null;
}

export interface AssetOptions {
  readonly fields: FieldTemplate;
  /** A condition in SOQL, of whoever runs the report; null: every Asset. */
  readonly where: string | null;
  /** Records that are read at most. */
  readonly most: number;
  readonly progress: (read: number, total: number) => void;
}

export interface AssetPorts {
  readonly http: Http;
  readonly clock: Clock;
  readonly random: Random;
  readonly session: Pick<Session, "fresh">;
}

/** Fields that every org has; the others are looked for. */
const NEEDED = ["Id", "Name"];
const WANTED = ["SerialNumber", "ContactId", "Contact.Name", "AccountId", "Account.Name"];
/** What is read back of what boards wrote, by the placeholder that stands alone in a field. */
const READ_BACK = [
  "device.id",
  "online",
  "lights",
  "fault",
  "lastSeen",
  "firmware",
  "signedInUntil",
] as const;
type ReadBack = (typeof READ_BACK)[number];

/** 2000 records of a dozen fields are about a megabyte; a description with a thousand fields is three. In characters. */
export const MAX_PAGE = 8 * 1024 * 1024;
/** Pages of a query at most: no answer leads in a circle for ever. */
const MAX_PAGES = 5000;

const fieldsBack = (template: FieldTemplate): Readonly<Partial<Record<ReadBack, string>>> =>
  Object.fromEntries(
    READ_BACK.flatMap((name) => {
      const field = Object.entries(chosenFields(template)).find(([, value]) => value === `{${name}}`);
      return field === undefined ? [] : [[name, field[0]]];
    }),
  );

const isObject = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const moment = (value: unknown): EpochMs | null => {
  if (typeof value !== "string" || value.length > 40) return null;
  const at = Date.parse(value.replace(/\+0000$/, "Z"));
  return Number.isNaN(at) ? null : epochMs(at);
};

const nameIn = (record: Members, relation: string): string | null => {
  const related = record[relation];
  return isObject(related) ? plainText(related.Name) : null;
};

/** Null for what is no record. */
const readAsset = (record: unknown, back: ReturnType<typeof fieldsBack>): Asset | null => {
  if (!isObject(record)) return null;
  const id = plainText(record.Id, 18);
  if (id === null) return null;
  const value = (name: ReadBack): unknown => (back[name] === undefined ? null : record[back[name]]);
  const online = value("online");
  return {
    id,
    name: plainText(record.Name),
    serial: plainText(record.SerialNumber),
    contact: nameIn(record, "Contact"),
    account: nameIn(record, "Account"),
    hasOwner: typeof record.ContactId === "string" || typeof record.AccountId === "string",
    deviceId: plainText(value("device.id"), 64),
    online: typeof online === "boolean" ? online : null,
    lights: plainText(value("lights"), 255),
    fault: plainText(value("fault"), 64),
    lastSeen: moment(value("lastSeen")),
    firmware: plainText(value("firmware"), 64),
    signedInUntil: moment(value("signedInUntil")),
  };
};

/** Asks the org, with a fresh token when it wants one, and again after a pause when it is busy or makes no sense. */
const createAsker = ({ http, session, ...ports }: AssetPorts) => {
  let grant: Grant | undefined;
  return <T>(
    request: (grant: Grant) => HttpRequest,
    read: (response: HttpResponse) => T,
    signal: AbortSignal,
  ): Promise<T> =>
    retrying(
      async () => {
        grant ??= await session.fresh(undefined, signal);
        return read(await http(request(grant), signal));
      },
      async ({ code }) => {
        if (code !== "ACCESS_TOKEN_REJECTED" || grant === undefined) return "pause";
        grant = await session.fresh(grant.accessToken, signal);
        return "again";
      },
      ports,
      signal,
    );
};

type Answer = ReturnType<typeof readRest>;
const readLarge = (response: HttpResponse): Answer => readRest(response, MAX_PAGE);

/** Fields of the description that may be asked for, with the names behind references; null where there is none. */
const described = (answer: Answer): ReadonlySet<string> | null => {
  const fields: unknown = answer.ok ? answer.members.fields : null;
  if (!Array.isArray(fields)) return null;
  return new Set(
    fields
      .filter(isObject)
      .flatMap(({ name, relationshipName }) => [
        ...(typeof name === "string" ? [name] : []),
        ...(typeof relationshipName === "string" ? [`${relationshipName}.Name`] : []),
      ]),
  );
};

/** The field or path that a refusal names, among those that were asked for. */
const namedIn = (words: string, asked: readonly string[]): readonly string[] => {
  const [, quoted] =
    /(?:no such (?:column|relation)|understand relationship|sobject type) '([\w.]+)'/i.exec(words) ?? [];
  if (quoted === undefined) return [];
  const is = (name: string): boolean => name.toLowerCase() === quoted.toLowerCase();
  const whole = asked.filter(is);
  return whole.length > 0 ? whole : asked.filter((field) => field.includes(".") && field.split(".").some(is));
};

/** Where the next page is. A path of the org's own, or the token would go elsewhere. */
const nextOf = ({ nextRecordsUrl }: Members): string | null =>
  typeof nextRecordsUrl === "string" && /^\/services\/data\/v[\d.]+(\/query\/[\w-]+)$/.test(nextRecordsUrl)
    ? nextRecordsUrl.replace(/^\/services\/data\/v[\d.]+/, "")
    : null;

/**
 * Reads them. What comes before a failure is kept, and `problem` says what went wrong; a failure before the first record
 * is thrown (ORG_*, ASSET_RECORD_CLOSED, SIGN_IN_*, …).
 */
export const readAssets = async (
  options: AssetOptions,
  ports: AssetPorts,
  signal: AbortSignal,
): Promise<Assets> => {
  const ask = createAsker(ports);
  const back = fieldsBack(options.fields);
  const wanted = [...WANTED, ...Object.values(back)];
  // An org that does not describe its records still says which field it does not know.
  const known = described(
    await ask((grant) => restGet(grant, "/sobjects/Asset/describe"), readLarge, signal),
  );
  let fields = [...NEEDED, ...wanted.filter((field) => known === null || known.has(field))];

  const first = async (): Promise<Members> => {
    for (;;) {
      const where = options.where === null ? "" : ` WHERE ${options.where}`;
      const soql = `SELECT ${fields.join(", ")} FROM Asset${where}`;
      const answer = await ask((grant) => soqlRequest(grant, soql), readLarge, signal);
      if (answer.ok) return answer.members;
      const unknown = namedIn(answer.refusal.description, fields.slice(NEEDED.length));
      if (!/^invalid_(?:field|type)$/.test(answer.refusal.error) || unknown.length === 0)
        throw new AgentError("ASSET_RECORD_CLOSED", inItsWords(answer.refusal));
      fields = fields.filter((field) => !unknown.includes(field));
    }
  };

  const assets: Asset[] = [];
  let problem: AgentError | null = null;
  let page = await first();
  const total = typeof page.totalSize === "number" ? page.totalSize : 0;
  for (let pages = 1; ; pages++) {
    const records: readonly unknown[] = Array.isArray(page.records) ? page.records : [];
    const room = options.most - assets.length;
    for (const record of records.slice(0, room)) {
      const asset = readAsset(record, back);
      if (asset !== null) assets.push(asset);
    }
    options.progress(assets.length, total);
    const isLast = page.done !== false;
    if (records.length > room || (!isLast && (records.length === room || pages >= MAX_PAGES)))
      problem = new AgentError(
        "REPORT_INCOMPLETE",
        `${assets.length} of ${total} Asset records were read; --most allows no more`,
      );
    const path = nextOf(page);
    if (!isLast && path === null)
      problem ??= new AgentError("ORG_ANSWER_INVALID", "it does not say where the next page is");
    if (isLast || problem !== null || path === null) break;
    try {
      const answer = await ask((grant) => restGet(grant, path), readLarge, signal);
      if (!answer.ok) throw new AgentError("ORG_ANSWER_INVALID", inItsWords(answer.refusal));
      page = answer.members;
    } catch (error) {
      signal.throwIfAborted();
      problem = asAgentError(error);
      break;
    }
  }
  const missing = wanted.filter((field) => !fields.includes(field));
  const knowsLastSeen = back.lastSeen !== undefined && fields.includes(back.lastSeen);
  return { assets, total: Math.max(total, assets.length), missing, knowsLastSeen, problem };
};
