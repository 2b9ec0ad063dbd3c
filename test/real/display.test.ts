// What a camera makes of the code: decoded by zbar, which knows nothing of us.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { makeHome } from "./peers/home.ts";

const decode = (picture: string): string => {
  try {
    // zbarimg's D-Bus notice goes to stderr
    return execFileSync("zbarimg", ["--quiet", "--raw", picture], { stdio: ["ignore", "pipe", "ignore"] })
      .toString()
      .trim();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT")
      throw new Error("zbarimg is missing: apt-get install zbar-tools", { cause: error });
    return "";
  }
};

test("the picture of the display carries the link that the event names", async () => {
  await using home = await makeHome();
  const picture = join(home.folder, "display.png");
  const agent = home.start({ display: `file:${picture}` });
  const { verificationUriComplete } = await agent.next("code");
  let link = "";
  for (let tries = 0; tries < 50 && link === ""; tries++) {
    await sleep(100);
    if (existsSync(picture)) link = decode(picture);
  }
  expect(link).toBe(verificationUriComplete);
});
