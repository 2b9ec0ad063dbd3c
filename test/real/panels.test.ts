// What a camera makes of a panel's memory, in every depth of colour and however it is mounted: decoded by zbar.

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { systemClock } from "../../src/adapters/clock.ts";
import { openFramebuffer } from "../../src/hal/displays/framebuffer.ts";
import type { View } from "../../src/model.ts";
import { after } from "../../src/units.ts";
import { fakeBuffer } from "../unit/hal/fake-framebuffer.ts";
import { scratchFolder } from "./peers/scratch.ts";

const link = "https://login.salesforce.com/setup/connect?user_code=X7K2M9QT";

const waiting: View = {
  device: { id: "porch-1", name: "Porch light", serial: "1" },
  state: "waitingForApproval",
  headline: "Make this lamp yours",
  detail: "Scan the code with a phone, sign in, and allow this board.",
  code: {
    kind: "code",
    userCode: "X7K2M9QT",
    verificationUri: "https://login.salesforce.com/setup/connect",
    verificationUriComplete: link,
    expiresAt: after(systemClock.mono(), 600_000),
    signal: { colour: "orange", count: 3 },
  },
  owner: null,
  online: false,
  problem: null,
};

const turns = [0, 90, 180, 270] as const;

it.each([16, 32].flatMap((bits) => turns.map((turn) => [bits, turn] as const)))(
  "a panel of %d bits a pixel, turned by %d degrees, carries the link",
  async (bits, turn) => {
    await using folder = scratchFolder();
    const [width, height] = [480, 320];
    const buffer = fakeBuffer(width, height, bits, 32);
    const faults: unknown[] = [];
    await using display = openFramebuffer(
      `framebuffer:/dev/fb0?rotate=${turn}`,
      { clock: systemClock, failed: (fault) => faults.push(fault) },
      buffer.kernel,
    );
    display.show(waiting);
    for (let tries = 0; tries < 100 && buffer.written < width * height * (bits / 8); tries++) await sleep(20);
    const grey = Buffer.alloc(width * height);
    for (let at = 0; at < grey.length; at++)
      grey[at] = buffer.light(at % width, Math.floor(at / width)) ? 255 : 0;
    const picture = join(folder.path, "panel.pgm");
    writeFileSync(picture, Buffer.concat([Buffer.from(`P5\n${width} ${height}\n255\n`), grey]));
    const read = execFileSync("zbarimg", ["--quiet", "--raw", picture], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    expect(read.toString().trim()).toBe(link);
    expect(faults).toEqual([]);
  },
);
