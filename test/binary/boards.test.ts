// The file for arm64 on emulated boards, with pages of 4 and of 16 KiB: signed in, and its lamp obeys.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeBoardHome } from "../board/bench/home.ts";

const carried = "root/porchlight";
const program = "/run/porchlight";

it.each([
  ["pi3", "4096"],
  ["virt16k", "16384"],
] as const)("on the board %s, whose pages have %s bytes, the whole story runs", async (kind, pageBytes) => {
  const file = readFileSync(join(import.meta.dirname, "../../dist/porchlight-linux-arm64"));
  await using home = await makeBoardHome(kind, { files: { [carried]: file } });
  const { board } = home;
  // The kernel keeps the last file that it unpacked open for writing. Without Node: the file needs nothing beside it.
  await board.shell(`cp /${carried} ${program}; chmod 755 ${program}; rm /${carried} /usr/local/bin/node`);
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
