import type { World } from "../../firmware-sim/world.ts";
import type { Random } from "../../src/ports.ts";
import type { Air } from "./air.ts";
import type { Disk } from "./disk.ts";
import { whole } from "./seeded.ts";

/** What a trouble can get at. */
export interface Town {
  readonly world: World;
  readonly disk: Disk;
  /** Between the board and everything else. */
  readonly air: Air;
  readonly random: Random;
  /** How far the board's wall clock is off, in milliseconds. */
  setClockError(ms: number): void;
  /** The plug is pulled after so many steps of the program; the board starts again after `darkMs`. */
  cutPower(steps: number, darkMs: number): void;
  /** The program is killed after so many steps: the disk has what was written, and the board goes on. */
  kill(steps: number, darkMs: number): void;
  /** Does something every `ms`; returns the way to stop. */
  every(ms: number, what: () => void): () => void;
  /** The program is asked to stop, and started again after `darkMs`. */
  restart(darkMs: number): void;
}

/** Something that goes wrong. */
export interface Trouble {
  readonly name: string;
  /** How often, against the others. */
  readonly weight: number;
  /** How long on average, in milliseconds; null: it is over in a moment, or ends by itself. */
  readonly meanMs: number | null;
  /** A board may be away while it lasts. */
  readonly keepsAway: boolean;
  /** Begins it; what it gives ends it. */
  readonly begin: (town: Town) => () => void;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const YEAR = 365 * 24 * HOUR;

const over = (): void => {};

const moment = (name: string, weight: number, strike: (town: Town) => void): Trouble => ({
  name,
  weight,
  meanMs: null,
  keepsAway: false,
  begin: (town) => {
    strike(town);
    return over;
  },
});

const lasting = (name: string, weight: number, meanMs: number, begin: Trouble["begin"]): Trouble => ({
  name,
  weight,
  meanMs,
  keepsAway: true,
  begin,
});

/** One that a board has to live with, online. */
const bearable = (...what: Parameters<typeof lasting>): Trouble => ({
  ...lasting(...what),
  keepsAway: false,
});

type Numbers = {
  [Name in keyof World["org"]]: World["org"][Name] extends number ? Name : never;
}[keyof World["org"]];

/** A fault of the org that strikes its next few requests. */
const nextFew = (field: Numbers & string, weight: number, most = 4): Trouble =>
  moment(`org: ${field}`, weight, ({ world, random }) => {
    world.org[field] += whole(random, 1, most);
  });

type Flags = {
  [Name in keyof World["org"]]: World["org"][Name] extends boolean ? Name : never;
}[keyof World["org"]];

/** A switch of the org that stands the wrong way for a while. */
const switched = (field: Flags & string, weight: number, meanMs: number, wrong = true): Trouble =>
  lasting(`org: ${field} is ${wrong}`, weight, meanMs, ({ world }) => {
    const org: Record<string, unknown> = world.org as never;
    org[field] = wrong;
    return () => {
      org[field] = !wrong;
    };
  });

/** What the vendor and others document that a token endpoint may say, and says again differently a little later. */
const refusals: readonly Refused[] = [
  { error: "invalid_client_id", description: "client identifier invalid" },
  { error: "invalid_client", description: "app must be installed into org", status: 401 },
  { error: "invalid_client", description: "invalid client credentials" },
  { error: "unauthorized_client", description: "client is not authorized for this grant" },
  { error: "unsupported_response_type", description: "response type not supported" },
  { error: "app_not_found", description: "external client app is not installed in this org" },
  { error: "invalid_grant", description: "token exchange failed" },
  { error: "too_many_requests", description: "slow down", status: 429 },
  { error: "invalid_grant", description: "ip restricted" },
  { error: "invalid_grant", description: "invalid login hours" },
  { error: "invalid_grant", description: "expired authorization code" },
  { error: "invalid_grant", description: "expired access/refresh token" },
  { error: "invalid_grant", description: "user is locked out" },
  { error: "inactive_user", description: "user is inactive" },
  { error: "inactive_org", description: "organization is inactive" },
  { error: "rate_limit_exceeded", description: "number of logins exceeded" },
  { error: "temporarily_unavailable", description: "try again later", status: 503 },
  { error: "invalid_scope", description: "the requested scope is invalid" },
  { error: "invalid_request", description: "bad request" },
  { error: "unsupported_grant_type", description: "grant type not supported" },
  { error: "a_new_word", description: "of next year's", status: 403 },
];
type Refused = World["org"]["refusals"][number];

/** Which kind of request is refused: whichever comes next, or the next of its kind. */
const kinds = [
  undefined,
  "device",
  "refresh_token",
  "urn:ietf:params:oauth:grant-type:token-exchange",
] as const;

/** MQTT 5 section 3.2.2.2: what a broker says that is not well, or has enough of this client. */
const reasons = [0x80, 0x83, 0x86, 0x87, 0x88, 0x89, 0x97, 0x9c, 0x9d, 0x9f] as const;

/** Everything that a day can bring. */
export const troubles: readonly Trouble[] = [
  lasting("network: the cable is out", 6, 4 * MINUTE, ({ world }) => {
    world.network.cut = true;
    return () => {
      world.network.cut = false;
    };
  }),
  moment("network: connections break", 4, ({ world }) => world.broker.dropConnections()),
  lasting("network: says nothing", 4, 3 * MINUTE, ({ air }) => {
    air.silent = true;
    return () => {
      air.silent = false;
    };
  }),

  switched("offline", 5, 5 * MINUTE),
  nextFew("timeouts", 4),
  nextFew("htmlPages", 4),
  nextFew("emptyBodies", 3),
  nextFew("truncatedBodies", 4),
  nextFew("hugeBodies", 1, 2),
  nextFew("drippingBodies", 2, 2),
  moment("org: refuses", 5, ({ world, random }) => {
    // One at a time: a sign-in that the org calls over twice is over.
    if (world.org.refusals.length > 0) return;
    const of = kinds[whole(random, 0, kinds.length - 1)];
    const refusal = refusals[whole(random, 0, refusals.length - 1)] as Refused;
    world.org.refusals = [of === undefined ? refusal : { ...refusal, of }];
  }),
  // What is refused first is mostly an exchange, and the refresh after it goes well: this one waits for a refresh.
  moment("org: says once that the sign-in is over, though it is not", 2, ({ world }) => {
    const { org } = world;
    if (org.refusals.length > 0) return;
    org.refusals = [
      { error: "invalid_grant", description: "expired access/refresh token", of: "refresh_token" },
    ];
    org.expireAccessTokens();
  }),
  nextFew("serverErrors", 4, 8),
  nextFew("slowDowns", 2),
  nextFew("pendingPolls", 2),
  nextFew("refuseCodes", 1, 2),
  nextFew("denyNext", 1, 1),
  nextFew("loseAnswerAfterGrant", 2, 1),
  nextFew("loseAnswerAfterRotation", 3, 1),
  nextFew("alreadyProcessing", 3),
  moment("org: busyWithRetryAfter", 3, ({ world, random }) => {
    world.org.busyWithRetryAfter = whole(random, 5, 600);
  }),
  lasting("org: answers slowly", 3, 3 * MINUTE, ({ world, random }) => {
    world.org.answerDelayMs = whole(random, 1, 40) * SECOND;
    return () => {
      world.org.answerDelayMs = 0;
    };
  }),
  { ...switched("formEncodedErrors", 2, HOUR), keepsAway: false },
  switched("deviceFlowEnabled", 1, 30 * MINUTE, false),
  switched("assetTokensEnabled", 1, 10 * MINUTE, false),
  switched("publishAssetKey", 1, 20 * MINUTE, false),
  switched("wrongAudience", 1, 10 * MINUTE),
  switched("wrongKey", 1, 10 * MINUTE),
  switched("omitCnf", 1, 10 * MINUTE),
  switched("wrongCnf", 1, 10 * MINUTE),
  switched("wrongDevice", 1, 10 * MINUTE),
  switched("wrongIssuer", 1, 10 * MINUTE),
  switched("unknownKeyId", 1, 10 * MINUTE),
  switched("unsigned", 1, 10 * MINUTE),
  bearable("org: calls the end of a code by its RFC name", 1, HOUR, ({ world }) => {
    world.org.expiredCodeError = "expired_token";
    return () => {
      world.org.expiredCodeError = "invalid_grant";
    };
  }),
  nextFew("echoes", 2),
  lasting("org: its clock is off", 1, HOUR, ({ world, random }) => {
    world.org.clockSkewMs = whole(random, -120, 120) * SECOND;
    return () => {
      world.org.clockSkewMs = 0;
    };
  }),
  moment("org: access tokens end", 4, ({ world }) => world.org.expireAccessTokens()),
  moment("org: the sign-in is revoked", 1, ({ world }) => {
    for (const { id, clientId } of world.org.approvals)
      if (clientId === world.org.boardApp.clientId) world.org.revoke(id);
  }),

  moment("broker: restarts", 5, ({ world, random }) =>
    world.broker.restart({ keepSessions: random() < 0.7 }),
  ),
  moment("broker: refuses", 3, ({ world, random }) => {
    world.broker.only = world.deviceId;
    world.broker.refuseReason = reasons[whole(random, 0, reasons.length - 1)] as number;
    world.broker.refuseConnects += whole(random, 1, 5);
    world.broker.dropConnections();
  }),
  moment("broker: closes after CONNACK", 3, ({ world, random }) => {
    world.broker.only = world.deviceId;
    world.broker.closeAfterConnack += whole(random, 1, 8);
    world.broker.dropConnections();
  }),
  lasting("broker: falls silent soon after each CONNACK", 2, 10 * MINUTE, ({ world, random }) => {
    world.broker.silentAfterMs = whole(random, 0, 60) * SECOND;
    world.broker.dropConnections();
    return () => {
      world.broker.silentAfterMs = null;
    };
  }),
  bearable("broker: speaks MQTT 3.1.1 only", 1, HOUR, ({ world, random }) => {
    world.broker.refuseProtocol5 = random() < 0.5 ? "silently" : true;
    world.broker.dropConnections();
    return () => {
      world.broker.refuseProtocol5 = false;
      world.broker.dropConnections();
    };
  }),
  bearable("broker: can do less", 2, HOUR, ({ world, random }) => {
    world.broker.limits =
      random() < 0.7 ? { receiveMaximum: whole(random, 1, 3) } : { retainAvailable: false };
    world.broker.serverKeepAliveS = random() < 0.5 ? null : whole(random, 5, 600);
    world.broker.dropConnections();
    return () => {
      world.broker.limits = {};
      world.broker.serverKeepAliveS = null;
    };
  }),
  lasting("broker: acknowledges nothing", 3, 3 * MINUTE, ({ world }) => {
    world.broker.stopAcking = true;
    return () => {
      world.broker.stopAcking = false;
    };
  }),
  lasting("broker: does not answer", 3, 3 * MINUTE, ({ world }) => {
    world.broker.ignoreConnects = true;
    world.broker.dropConnections();
    return () => {
      world.broker.ignoreConnects = false;
    };
  }),
  lasting("broker: busy", 2, 3 * MINUTE, ({ world }) => {
    world.broker.busy = true;
    world.broker.dropConnections();
    return () => {
      world.broker.busy = false;
    };
  }),
  moment("broker: somebody takes the client id over", 2, ({ world }) =>
    world.broker.takeOver(world.deviceId),
  ),
  lasting("broker: somebody takes the client id over again and again", 1, 3 * MINUTE, (town) =>
    town.every(whole(town.random, 1, 20) * SECOND, () => town.world.broker.takeOver(town.world.deviceId)),
  ),
  bearable("broker: slow", 2, 5 * MINUTE, ({ world, random }) => {
    world.broker.delayMs = whole(random, 50, 3000);
    return () => {
      world.broker.delayMs = 0;
    };
  }),
  bearable("broker: says nothing when a token ends", 1, 2 * HOUR, ({ world, random }) => {
    world.broker.expiryBehaviour = random() < 0.5 ? "silent" : "nothing";
    return () => {
      world.broker.expiryBehaviour = "close";
    };
  }),

  bearable("lamp: unplugged", 3, 3 * MINUTE, ({ world }) => {
    world.board.unplugged = true;
    return () => {
      world.board.unplugged = false;
    };
  }),
  lasting("lamp: unplugged when the power comes back", 2, MINUTE, (town) => {
    town.world.board.unplugged = true;
    town.cutPower(1, 5 * SECOND);
    return () => {
      town.world.board.unplugged = false;
    };
  }),
  moment("lamp: gone when it is opened", 2, (town) => {
    town.world.board.failWrites += whole(town.random, 1, 3);
    town.kill(1, 5 * SECOND);
  }),
  bearable("lamp: hangs", 2, 2 * MINUTE, ({ world, random }) => {
    world.board.writeMs = whole(random, 1, 10) * SECOND;
    return () => {
      world.board.writeMs = 0;
    };
  }),
  moment("lamp: does not take frames", 3, ({ world, random }) => {
    world.board.failWrites += whole(random, 1, 4);
  }),
  bearable("disk: full", 3, 10 * MINUTE, ({ disk }) => {
    disk.full = true;
    return () => {
      disk.full = false;
    };
  }),
  bearable("disk: read-only", 2, 10 * MINUTE, ({ disk }) => {
    disk.readOnly = true;
    return () => {
      disk.readOnly = false;
    };
  }),
  moment("disk: a sync fails", 2, ({ disk, random }) => disk.fail("fsync", whole(random, 1, 3))),
  moment("disk: a write fails", 2, ({ disk, random }) => disk.fail("writeFile", whole(random, 1, 3))),
  moment("disk: a rename fails", 1, ({ disk }) => disk.fail("rename", 1)),
  moment("disk: a read fails", 2, ({ disk }) => disk.fail("readFile", 1)),
  lasting("clock: years ahead", 1, 10 * MINUTE, (town) => {
    town.setClockError(whole(town.random, 1, 10) * YEAR);
    return () => town.setClockError(0);
  }),
  lasting("clock: years behind", 1, 10 * MINUTE, (town) => {
    town.setClockError(-whole(town.random, 1, 40) * YEAR);
    return () => town.setClockError(0);
  }),
  lasting("clock: minutes off", 2, HOUR, (town) => {
    town.setClockError(whole(town.random, -60, 20) * MINUTE);
    return () => town.setClockError(0);
  }),
  moment("power: cut in the middle of something", 8, (town) =>
    town.cutPower(whole(town.random, 1, 150), whole(town.random, 1, 120) * SECOND),
  ),
  moment("power: cut while a token is renewed", 4, (town) => {
    town.world.org.expireAccessTokens();
    town.world.broker.restart({ keepSessions: true });
    town.cutPower(whole(town.random, 1, 120), whole(town.random, 1, 30) * SECOND);
  }),
  moment("program: killed", 4, (town) => town.kill(whole(town.random, 1, 150), 5 * SECOND)),
  moment("program: restarted", 3, (town) => town.restart(whole(town.random, 1, 20) * SECOND)),
];
