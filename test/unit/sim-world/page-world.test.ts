import { afterEach, beforeEach, expect, test } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createOrgKeys } from "../../../firmware-sim/org/keys.ts";
import type { Action } from "../../../firmware-sim/page/state.ts";
import type { PageWorld } from "../../../firmware-sim/page-server.ts";
import { pageWorldOf } from "../../../firmware-sim/page-server-world.ts";
import { createWorld, type World } from "../../../firmware-sim/world.ts";
import { after } from "../../../src/units.ts";

await Promise.all([import("mqtt-packet"), import("mqtt/lib/client")]);

const never = new AbortController().signal;
const orgKeys = createOrgKeys();
let clock: VirtualClock;
let world: World;
let page: PageWorld;
let drawn: () => void;

beforeEach(async () => {
  clock = new VirtualClock();
  world = await createWorld({ clock, transport: "memory", orgKeys });
  drawn = () => undefined;
  page = pageWorldOf(
    world,
    {
      picture: (link) => ({ size: link.length, modules: "" }),
      subscribe: (listener) => {
        drawn = listener;
        return () => {
          drawn = () => undefined;
        };
      },
    },
    never,
  );
});

afterEach(async () => {
  await clock.until(world.close());
  expect(clock.waiting).toBe(0);
  clock[Symbol.dispose]();
});

const act = (action: Action) => clock.until(page.act(action));

const showCode = (): void =>
  world.board.display.show({
    device: { id: "porch-1", name: "Porch light", serial: "1" },
    state: "waitingForApproval",
    headline: "",
    detail: null,
    code: {
      kind: "code",
      userCode: "AB12CD34",
      verificationUri: "https://northwind.example/setup/connect",
      verificationUriComplete: "https://northwind.example/setup/connect?user_code=AB12CD34",
      expiresAt: after(clock.mono(), 600_000),
      signal: null,
    },
    owner: null,
    online: false,
    problem: null,
  });

test("the page hears of every change, and of codes that are drawn", () => {
  let changes = 0;
  const stop = page.subscribe(() => {
    changes += 1;
  });
  world.board.press();
  drawn();
  expect(changes).toBe(2);
  stop();
  world.board.press();
  drawn();
  expect(changes).toBe(2);
  expect(page.messages().map(({ title }) => title)).toEqual(["presses the button", "presses the button"]);
});

test("scanning opens the link of the display, when there is one", async () => {
  expect(await act({ act: "scan" })).toMatchObject({ ok: false });
  showCode();
  expect(await act({ act: "scan" })).toEqual({
    ok: true,
    open: "https://northwind.example/setup/connect?user_code=AB12CD34",
  });
  expect(page.state().board?.code).toMatchObject({ userCode: "AB12CD34", msLeft: 600_000 });
});

test("the remote signs in over the org's pages, and out again", async () => {
  const opened = await act({ act: "openRemote" });
  if (!opened.ok || opened.open === undefined) throw new Error("nothing was opened");
  const callback = await clock.until(world.person.signInTo(opened.open, "http://127.0.0.1/callback", never));
  expect(page.state().phone.person).toBeNull();
  await clock.until(page.finishSignIn(callback));
  expect(page.state().phone.person).toBe("Ada Okafor");
  expect(await act({ act: "forgetRemote" })).toEqual({ ok: true });
  expect(page.state().phone.person).toBeNull();
});

test("a callback that nobody asked for signs nobody in", async () => {
  await clock.until(page.finishSignIn(new URL("http://127.0.0.1/callback?code=1&state=2")));
  expect(page.state().phone.person).toBeNull();
});

test("a command without a connection is told as not sent", async () => {
  expect(await act({ act: "light", change: { on: true } })).toMatchObject({ ok: false });
});

test("the button, the cable and the lamp's plug are in the reader's hand", async () => {
  const inputs = world.board.inputs[Symbol.asyncIterator]();
  await act({ act: "button", down: true });
  await act({ act: "button", down: false });
  await act({ act: "button", down: true });
  await clock.advance(3100);
  await act({ act: "button", down: false });
  expect([await inputs.next(), await inputs.next()].map(({ value }) => value)).toEqual([
    "press",
    "longPress",
  ]);
  await act({ act: "mischief", name: "cutNetwork", on: true });
  await act({ act: "mischief", name: "unplugLamp", on: true });
  expect(page.state().mischief).toEqual({ cutNetwork: true, unplugLamp: true, unplugBulb: false });
  await act({ act: "mischief", name: "cutNetwork", on: false });
  await act({ act: "mischief", name: "unplugLamp", on: false });
  expect(page.state().mischief).toEqual({ cutNetwork: false, unplugLamp: false, unplugBulb: false });
});

test("revoking ends the board's approval, and tokens run out at once", async () => {
  const { clientId } = world.org.boardApp;
  const asked = await world.http(
    {
      method: "POST",
      url: `${world.orgUrl}/services/oauth2/token`,
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: `response_type=device_code&client_id=${clientId}`,
    },
    never,
  );
  const code: { user_code: string; device_code: string } = JSON.parse(asked.body);
  world.org.approve(code.user_code);
  await world.http(
    {
      method: "POST",
      url: `${world.orgUrl}/services/oauth2/token`,
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({
        grant_type: "device",
        client_id: clientId,
        code: code.device_code,
      }).toString(),
    },
    never,
  );
  expect(world.org.accessTokenOf()).toBeDefined();
  await act({ act: "blow", name: "restartBroker" });
  expect(world.org.accessTokenOf()).toBeDefined();
  await act({ act: "blow", name: "expireToken" });
  expect(world.org.accessTokenOf()).toBeUndefined();
  expect(world.org.approvals).toHaveLength(1);
  await act({ act: "blow", name: "revoke" });
  expect(world.org.approvals).toHaveLength(0);
});
