import { expect, test } from "vitest";
import { actorToken, openDesk, text } from "./desk.ts";

const DAY = 24 * 3_600_000;

test("an org that is left running forgets old used refresh tokens, and not those of today", async () => {
  const desk = openDesk();
  let current = text(await desk.signIn(), "refresh_token");
  const used: string[] = [];
  for (let each = 0; each < 150; each += 1) {
    used.push(current);
    current = text((await desk.refresh(current)).fields, "refresh_token");
  }
  // Nobody knows the first one any more, so its second use ends nothing.
  expect((await desk.refresh(used[0] ?? "")).status).toBe(400);
  current = text((await desk.refresh(current)).fields, "refresh_token");
  expect((await desk.refresh(used.at(-1) ?? "")).status).toBe(400);
  expect((await desk.refresh(current)).status).toBe(400);
});

test("it keeps the newest asset token events, and counts on", async () => {
  const desk = openDesk();
  const access = text(await desk.signIn(), "access_token");
  for (let each = 0; each < 210; each += 1)
    await desk.exchange(access, actorToken(desk.claims({ jti: `token-${each}` })));
  expect(desk.org.events).toHaveLength(200);
  expect(desk.org.events.at(-1)?.ReplayId).toBe("210");
});

test("it forgets the ids of actor tokens that have ended, which are refused by their time", async () => {
  const desk = openDesk();
  const token = actorToken(desk.claims({ jti: "once" }));
  let access = text(await desk.signIn(), "access_token");
  expect((await desk.exchange(access, token)).status).toBe(200);
  expect((await desk.exchange(access, token)).fields.error_description).toContain("used before");
  await desk.clock.advance(DAY);
  access = text(await desk.signIn(), "access_token");
  expect((await desk.exchange(access, actorToken(desk.claims({ jti: "once" })))).status).toBe(200);
});

test("a code that ended a day before is no code", async () => {
  const desk = openDesk();
  const { fields } = await desk.askCode();
  await desk.clock.advance(DAY / 2);
  await desk.askCode();
  expect((await desk.poll(text(fields, "device_code"))).fields.error_description).toBe("expired device code");
  await desk.clock.advance(DAY);
  await desk.askCode();
  expect((await desk.poll(text(fields, "device_code"))).fields.error_description).toBe("invalid device code");
});
