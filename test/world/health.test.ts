import { afterEach, describe, expect, it } from "vitest";
import { AgentError } from "../../src/errors.ts";
import type { Health } from "../../src/model.ts";
import { openStage, type Stage } from "./stage.ts";

let stage: Stage;
afterEach(() => stage[Symbol.asyncDispose]());

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const said = (): Health => JSON.parse(stage.retained("about") ?? "{}").health;
const now = () => new Date(stage.clock.wall()).toISOString();

describe("the health that a board keeps at the broker", () => {
  it("tells of a lamp whose cable is out, since when, and that it is well again; as status does", async () => {
    stage = await openStage();
    await stage.signIn();
    expect(said()).toMatchObject({ status: "pass", problems: [], restarts: 0 });
    expect((await stage.status()).health).toEqual(said());
    await stage.clock.advance(MINUTE);
    stage.world.board.unplugged = true;
    const from = now();
    await stage.light("main", { on: true });
    await stage.clock.advance(2_000);
    expect(said()).toMatchObject({ status: "fail", problems: [{ code: "LIGHT_FAULT", light: "main" }] });
    expect(said().problems[0]?.since?.slice(0, 17)).toBe(from.slice(0, 17));
    stage.world.board.unplugged = false;
    await stage.clock.advance(2 * MINUTE);
    expect(said()).toMatchObject({ status: "pass", problems: [] });
  });

  it("tells that the org is away while the old credentials still serve, and when it is back", async () => {
    stage = await openStage();
    await stage.signIn();
    stage.world.org.offline = true;
    await stage.untilEvent("fault", { withinMs: HOUR });
    await stage.clock.advance(MINUTE / 2);
    expect(stage.state()).toBe("online");
    expect(said()).toMatchObject({ status: "warn", problems: [{ code: "ORG_UNREACHABLE" }] });
    expect(said().lastDay.faults).toBeGreaterThan(0);
    stage.world.org.offline = false;
    await stage.clock.advance(6 * MINUTE);
    expect(said()).toMatchObject({ status: "pass", problems: [] });
  });

  it("forgets a full disk within two minutes, though nobody has anything to write", async () => {
    stage = await openStage();
    const plain = stage.vault;
    let full = false;
    stage.vault = {
      ...plain,
      async write(key, value, generations) {
        if (full && key !== "light-main") throw new AgentError("STATE_UNWRITABLE", `/state/${key} (ENOSPC)`);
        await plain.write(key, value, generations);
      },
    };
    await stage.signIn();
    const phone = await stage.ownerPhone();
    full = true;
    await stage.clock.until(phone.ask({ do: "rename", name: "Hall" }));
    await stage.clock.advance(10 * MINUTE);
    expect((await stage.status()).health.problems).toMatchObject([{ code: "STATE_UNWRITABLE" }]);
    full = false;
    await stage.clock.advance(2 * MINUTE);
    expect((await stage.status()).health.problems).toEqual([]);
    expect((await stage.status()).warnings).not.toContain("STATE_UNWRITABLE");
    expect(said().status).toBe("pass");
    expect(await plain.read("probe")).toBeUndefined();
  });
});
