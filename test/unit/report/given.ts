import type { FleetBoard, FleetLight } from "../../../src/broker/codec-fleet.ts";
import type { Asset } from "../../../src/report/assets.ts";
import { type JoinOptions, joinLamps, type Lamp } from "../../../src/report/lamps.ts";
import { type Report, summaryOf } from "../../../src/report/summary.ts";
import { type EpochMs, epochMs } from "../../../src/units.ts";

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
export const now = epochMs(Date.parse("2026-12-01T02:30:00Z"));
export const earlier = (ms: number): EpochMs => epochMs(now - ms);

let nth = 0;

/** A record of a lamp that is as it should be, with changes. */
export const anAsset = (changes: Partial<Asset> = {}): Asset => {
  nth += 1;
  return {
    id: `02iNw${String(nth).padStart(10, "0")}`,
    name: `Lamp ${nth}`,
    serial: `S${nth}`,
    contact: "Ada Okafor",
    account: null,
    hasOwner: true,
    deviceId: `porch-${nth}`,
    online: true,
    lights: "Porch: off",
    fault: null,
    lastSeen: earlier(HOUR),
    firmware: "1.4.0",
    signedInUntil: epochMs(now + 20 * DAY),
    ...changes,
  };
};

export const aLight = (changes: Partial<FleetLight> = {}): FleetLight => ({
  on: true,
  brightness: 0.4,
  available: true,
  fault: null,
  ...changes,
});

/** A board at the broker, with changes. */
export const aBoard = (id: string, changes: Partial<FleetBoard> = {}): FleetBoard => ({
  id,
  online: true,
  about: {
    name: "Porch",
    serial: `serial of ${id}`,
    version: "1.4.0",
    owner: "Ada Okafor",
    signedInUntil: "2026-12-29T00:00:00.000Z",
    health: "pass",
    problems: [],
  },
  lights: new Map([["", aLight()]]),
  ...changes,
});

export const boardsOf = (...boards: FleetBoard[]): ReadonlyMap<string, FleetBoard> =>
  new Map(boards.map((board) => [board.id, board]));

export const options: JoinOptions = {
  now,
  brokerComplete: true,
  recordsComplete: true,
  heartbeatHours: 24,
  knowsLastSeen: true,
};

export const aReport = (lamps: readonly Lamp[], changes: Partial<Report> = {}): Report => ({
  madeAt: now,
  org: "example.my.salesforce.com",
  broker: null,
  problems: [],
  missingFields: [],
  summary: summaryOf(lamps, now),
  lamps,
  ...changes,
});

export const lampsOf = (assets: readonly Asset[], ...boards: FleetBoard[]): readonly Lamp[] =>
  joinLamps(assets, boardsOf(...boards), options);
