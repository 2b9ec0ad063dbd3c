import { describe, expect, it } from "vitest";
import { decodeGrant } from "../../src/device-flow/grant-codec.ts";
import type { Grant } from "../../src/model.ts";
import { openStage, type Stage, type StageOptions } from "./stage.ts";

// A sign-in or a refresh, interrupted at each thing that it waits for: when it has begun, and when it is over and the
// agent does not know yet.

const MINUTE = 60_000;
const never = new AbortController().signal;

/** Made once: an RSA key takes longer than a whole life here. */
let deviceKey: Uint8Array | undefined;

/** What somebody does in the middle. */
const interruptions = {
  stop: (stage: Stage) => stage.run?.tell(),
  signOut: (stage: Stage) => void stage.askToSignOut(),
  press: (stage: Stage) => stage.world.board.press(),
  longPress: (stage: Stage) => stage.world.board.press("longPress"),
  veryLongPress: (stage: Stage) => stage.world.board.press("veryLongPress"),
} as const;
type Interruption = keyof typeof interruptions;

interface Way {
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Up to where it is interrupted from. */
  prepare(stage: Stage): Promise<void>;
  /** What is interrupted; it ends when the board is online. */
  go(stage: Stage): Promise<void>;
}

const grantOf = async (stage: Stage): Promise<Grant | undefined> => {
  const bytes = await stage.vault.read("grant");
  return bytes === undefined ? undefined : decodeGrant(bytes);
};

/** Approvals that the org holds for this board, and which of them the board has. */
const held = async (stage: Stage) => {
  const { org } = stage.world;
  const grant = await grantOf(stage);
  const token = grant?.refreshToken?.reveal();
  return {
    approvals: boardApprovals(stage).length,
    signedIn: token !== undefined && org.introspect(token).active,
    stored: grant !== undefined,
  };
};

const boardApprovals = ({ world: { org } }: Stage) =>
  org.approvals.filter(({ clientId }) => clientId === org.boardApp.clientId);

interface Life {
  /** What it was waiting for. */
  readonly at: string;
  /** Approvals that the org has given meanwhile. */
  readonly approved: number;
  readonly held: Awaited<ReturnType<typeof held>>;
}

/** One life, interrupted at the nth thing that it waits for; null when it waits for less. */
const live = async (way: Way, what: Interruption | null, nth: number): Promise<Life | null> => {
  let left = Number.POSITIVE_INFINITY;
  let at: string | null = null;
  const options: StageOptions = {
    settings: way.settings ?? {},
    between: (name) => {
      if (--left !== 0 || what === null) return;
      at = name;
      interruptions[what](stage);
    },
  };
  const stage = await openStage(options);
  await using _closed = stage;
  if (deviceKey !== undefined) await stage.vault.write("device-key", deviceKey);
  stage.world.org.answerDelayMs = 200;
  await way.prepare(stage);
  let approved = 0;
  stage.world.org.subscribe((change) => {
    if (change.kind === "approval" && change.status === "given") approved += 1;
  });
  left = nth;
  await way.go(stage);
  left = 0;
  await stage.clock.advance(2 * MINUTE);
  deviceKey ??= await stage.vault.read("device-key");
  if (at === null) return null;
  return {
    at,
    approved,
    held: await held(stage),
  };
};

const webSettings = async (): Promise<Readonly<Record<string, unknown>>> => {
  await using stage = await openStage();
  return { org: { ...(stage.world.settingsFor("state").org as object), signIn: "web" } };
};

/** The person's page goes on beside the board. */
const follow = (stage: Stage): void => {
  stage.world.person.followLink(stage.lastLink().start, "allow", never).catch(() => undefined);
};

const approve = (stage: Stage): void => stage.world.org.approve(stage.lastCode().userCode);

const firstTime = ["stop", "signOut", "longPress", "veryLongPress"] as const;

const ways: readonly {
  readonly name: string;
  readonly way: Way;
  readonly interruptions: readonly Interruption[];
  /** The board is signed in already. */
  readonly again: boolean;
}[] = [
  {
    name: "a first sign-in with a code",
    again: false,
    way: {
      async prepare(stage) {
        stage.start();
        await stage.untilEvent("code");
      },
      async go(stage) {
        approve(stage);
        await stage.clock.advance(10_000);
      },
    },
    interruptions: firstTime,
  },
  {
    name: "a first sign-in with a browser",
    again: false,
    way: {
      settings: await webSettings(),
      async prepare(stage) {
        stage.start();
        await stage.untilEvent("link");
      },
      async go(stage) {
        follow(stage);
        await stage.clock.advance(10_000);
      },
    },
    interruptions: firstTime,
  },
  {
    name: "a sign-in in place of another one",
    again: true,
    way: {
      async prepare(stage) {
        await stage.signIn();
        stage.world.board.press("longPress");
        await stage.untilEvent("code");
      },
      async go(stage) {
        approve(stage);
        await stage.clock.advance(10_000);
      },
    },
    interruptions: [...firstTime, "press"],
  },
  {
    name: "a refresh with rotation",
    again: true,
    way: {
      async prepare(stage) {
        await stage.signIn();
        await stage.run?.stop();
        stage.world.org.expireAccessTokens();
      },
      async go(stage) {
        stage.start();
        await stage.clock.advance(5_000);
      },
    },
    interruptions: firstTime,
  },
  {
    name: "a sign-out",
    again: false,
    way: {
      prepare: (stage) => stage.signIn(),
      async go(stage) {
        void stage.askToSignOut();
        await stage.clock.advance(5_000);
      },
    },
    interruptions: ["stop", "longPress"],
  },
];

/** What an interruption must not have done. */
const wrongs = (
  name: string,
  what: Interruption,
  { approved, held: { approvals, signedIn, stored } }: Life,
  again: boolean,
) => {
  const wanted = what === "stop" || what === "press" || what === "longPress";
  return {
    "a sign-in is lost": wanted && !signedIn && (again || approved > 0),
    "somebody stays signed in": (what === "signOut" || name === "a sign-out") && (stored || approvals > 0),
    "approvals are left that no board has": approvals > (signedIn ? 1 : 0),
    "what is stored is worth nothing": stored && !signedIn,
  };
};

describe("an interruption at each wait of", () => {
  for (const { name, way, again, interruptions: all } of ways)
    for (const what of all)
      it(`${name}: ${what}`, async () => {
        const waits: string[] = [];
        const found: object[] = [];
        for (let nth = 1; ; nth++) {
          const life = await live(way, what, nth);
          if (life === null) break;
          waits.push(life.at);
          for (const [wrong, so] of Object.entries(wrongs(name, what, life, again)))
            if (so) found.push({ wrong, nth, ...life });
        }
        expect(found).toEqual([]);
        // It is about something: the request that gives or ends the sign-in, and the write.
        expect(waits).toContain(`/services/oauth2/${name === "a sign-out" ? "revoke" : "token"} is over`);
        expect(waits).toContain("writing grant is over");
      });
});

describe("a token request that takes its time", () => {
  /** Signs in, shows a new code, and stops in the middle of the poll that brings the tokens. */
  const midPoll = async (answerDelayMs: number): Promise<Stage> => {
    const stage = await openStage();
    if (deviceKey !== undefined) await stage.vault.write("device-key", deviceKey);
    await stage.signIn();
    stage.world.board.press("longPress");
    const code = await stage.untilEvent("code");
    stage.world.org.answerDelayMs = answerDelayMs;
    stage.world.org.approve(code.userCode);
    await stage.clock.untilTrue(() => boardApprovals(stage).length === 2);
    return stage;
  };

  it("is waited for after a press, and its approval ended: the code was taken back", async () => {
    await using stage = await midPoll(20_000);
    const [before] = boardApprovals(stage);
    stage.world.board.press();
    await stage.clock.advance(MINUTE);
    expect(boardApprovals(stage)).toEqual([before]);
    stage.world.org.answerDelayMs = 0;
    await stage.untilState("online");
  });

  it("is waited for after a stop, for some seconds", async () => {
    for (const [answerDelayMs, left] of [
      [8_000, 1],
      [25_000, 2],
    ] as const) {
      await using stage = await midPoll(answerDelayMs);
      const at = stage.clock.mono();
      expect(await stage.run?.stop()).toBe(0);
      expect(stage.clock.mono() - at).toBeLessThan(20_000);
      // Nothing can be done about an answer that comes too late; the sign-in before is still there then.
      expect({ left: boardApprovals(stage).length, ...(await held(stage)) }).toMatchObject({
        left,
        signedIn: true,
      });
    }
  });
});

describe("a code from a browser whose exchange got no answer", () => {
  it("is shown once more when somebody asks for a new link: the sign-in is kept", async () => {
    await using stage = await openStage({ settings: await webSettings() });
    stage.start();
    await stage.untilEvent("link");
    const { org } = stage.world;
    // The person's pages go on; only programs are not answered.
    org.timeouts = 1;
    follow(stage);
    await stage.clock.untilTrue(() =>
      org.received.some(({ form }) => form.grant_type === "authorization_code"),
    );
    await stage.clock.advance(30_500);
    stage.world.board.press("longPress");
    await stage.untilState("online", 5_000);
    expect(stage.since(0, "link")).toHaveLength(1);
    expect(await held(stage)).toMatchObject({ approvals: 1, signedIn: true });
  });
});
