// The file for arm64 on emulated boards, with pages of 4 and of 16 KiB: signed in, and its lamp obeys.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type BoardHome, makeBoardHome } from "../board/bench/home.ts";

const carried = "root/porchlight";
const program = "/run/porchlight";
const never = new AbortController().signal;

/** A board with the file on it, and without Node: the file needs nothing beside it. */
const homeWithFile = async (kind: "pi3" | "virt16k"): Promise<BoardHome> => {
  const file = readFileSync(join(import.meta.dirname, "../../dist/porchlight-linux-arm64"));
  const home = await makeBoardHome(kind, { files: { [carried]: file } });
  // The kernel keeps the last file that it unpacked open for writing.
  await home.board.shell(
    `cp /${carried} ${program}; chmod 755 ${program}; rm /${carried} /usr/local/bin/node`,
  );
  return home;
};

it.each([
  ["pi3", "4096"],
  ["virt16k", "16384"],
] as const)("on the board %s, whose pages have %s bytes, the whole story runs", async (kind, pageBytes) => {
  await using home = await homeWithFile(kind);
  const { board } = home;
  expect(
    await board.shell(
      "getconf PAGESIZE 2>/dev/null || echo $(($(awk '/^KernelPageSize/{print $2; exit}' /proc/self/smaps)*1024))",
    ),
  ).toBe(pageBytes);
  expect(await board.shell(`${program} version`)).toMatch(/linux arm64/);
  await home.signIn({ lights: [{ id: "lamp", name: "Lamp", driver: "led:board:red" }] }, `${program} run`);
  expect(await home.command({ on: true })).toMatchObject({ outcome: "done" });
  expect(await board.shell("cat /sys/class/leds/board:red/brightness")).not.toBe("0");
  expect(await home.command({ on: false })).toMatchObject({ outcome: "done" });
  expect(await board.shell("cat /sys/class/leds/board:red/brightness")).toBe("0");
  await home.stop();
  expect(await board.shell("cat /run/errors")).toBe("");
});

it("on a board whose clock says 1970 nothing is signed before the time is known, and all goes on when it is", async () => {
  await using home = await homeWithFile("virt16k");
  const { board, world } = home;
  await board.shell("date -s @60 >/dev/null");
  await home.start({ lights: [{ id: "lamp", name: "Lamp", driver: "led:board:red" }] }, `${program} run`);
  const code = await home.event({ event: "code" });
  const answer = await world.person.answerBoard(
    { link: String(code.verificationUriComplete), userCode: String(code.userCode) },
    "allow",
    never,
  );
  expect(answer.kind).toBe("done");
  await home.event({ event: "fault", code: "CLOCK_UNSET" });
  // The lamp does not wait for the time.
  await board.shell(`${program} light on --settings /run/settings.json`);
  expect(await board.shell("cat /sys/class/leds/board:red/brightness")).not.toBe("0");
  expect((await home.events()).some(({ event }) => event === "assetToken")).toBe(false);
  await board.shell(`date -s @${Math.floor(Date.now() / 1000)} >/dev/null`);
  await home.event({ event: "state", state: "online" });
  await home.stop();
});
