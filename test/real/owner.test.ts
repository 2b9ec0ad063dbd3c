// The built command obeys phones that signed in at an authorization server that is not ours, over a broker that is not ours.

import { expect, test } from "vitest";
import type { Ask } from "../../companion/core/signed-message.ts";
import { signInApp } from "./peers/app.ts";
import { makeHome } from "./peers/home.ts";
import type { Phone } from "./peers/phone.ts";

/** Publishes a signed command; gives the board's answer on its result topic. */
const send = async (
  phone: Phone,
  command: string,
  id: string,
): Promise<Readonly<Record<string, unknown>>> => {
  await phone.publish("command", command);
  const { payload } = await phone.until(
    `the answer to ${id}`,
    (message) => message.topic === "result" && (message.payload as { id?: unknown }).id === id,
  );
  return payload as Readonly<Record<string, unknown>>;
};

const on: Ask = { do: "light", set: { state: "ON", brightness: 200 } };

test("only the owner's hand moves the lamp, a guest's with a pass, also after a restart without the org", async () => {
  await using home = await makeHome();
  const changes = { commands: { trust: "owner" } };
  const agent = home.start(changes);
  await home.signIn(agent);
  const phone = await home.phone();
  const robin = await signInApp(home.provider, "robin");
  const sam = await signInApp(home.provider, "sam");

  expect(await send(phone, await robin(on, "r1"), "r1")).toMatchObject({ outcome: "done" });
  await agent.next("light", ({ state }) => state.on);
  expect((await phone.ask({ state: "OFF" })).payload).toMatchObject({ code: "COMMAND_UNTRUSTED" });
  expect(await send(phone, await sam(on, "s1"), "s1")).toMatchObject({
    outcome: "refused",
    code: "COMMAND_NOT_OWNER",
  });

  const again = await robin(on, "r2");
  await send(phone, again, "r2");
  expect(await send(phone, again, "r2")).toMatchObject({ outcome: "refused", code: "COMMAND_REPEATED" });

  const until = Math.floor(Date.now() / 1000) + 600;
  const pass = { id: "p1", name: "Sam", user: "sam", may: ["switch"], until };
  expect(await send(phone, await robin({ do: "admit", pass }, "r3"), "r3")).toMatchObject({
    outcome: "done",
    guests: [pass],
  });
  const off: Ask = { do: "light", set: { state: "OFF" } };
  expect(await send(phone, await sam(off, "s2"), "s2")).toMatchObject({ outcome: "done" });
  expect(await send(phone, await sam(on, "s3"), "s3")).toMatchObject({ code: "GUEST_LIMIT" });

  const listed = home.command("guests");
  expect(await listed.end()).toMatchObject({ code: 0 });
  expect(listed.output()).toContain("p1  Sam  user sam  may switch");

  // A cut of power, and an org that is away afterwards.
  agent.kill("SIGKILL");
  await agent.end();
  const restarted = home.start(changes);
  await restarted.next("online", undefined, 30_000);
  expect(await send(phone, again, "r2")).toMatchObject({ outcome: "refused", code: "COMMAND_REPEATED" });
  await home.provider[Symbol.asyncDispose]();
  await new Promise((resolve) => setTimeout(resolve, 11_000));
  expect(await send(phone, await sam({ do: "light", set: { state: "ON" } }, "s4"), "s4")).toMatchObject({
    outcome: "done",
  });

  const revoked = home.command("guests", "revoke", "p1");
  expect(await revoked.end()).toMatchObject({ code: 0 });
  expect(await send(phone, await sam(off, "s5"), "s5")).toMatchObject({ code: "COMMAND_NOT_OWNER" });
});
