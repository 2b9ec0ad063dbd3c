import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { helpPage } from "../../../src/cli/help-page.ts";
import { completeSettings, openStage } from "./stage.ts";

const onBoot = (dir: string, settings: object | string): string => {
  const path = join(dir, "boot/firmware/porchlight.json");
  mkdirSync(join(path, ".."), { recursive: true });
  mkdirSync(join(dir, "etc"), { recursive: true });
  writeFileSync(path, typeof settings === "string" ? settings : JSON.stringify(settings));
  return path;
};

it("settings on the boot partition come into force, and it is told how many secrets moved", async () => {
  await using stage = await openStage();
  const settings = completeSettings("/var/lib/porchlight");
  onBoot(stage.dir, { ...settings, org: { ...settings.org, clientSecret: "sesame" } });
  const { code, err } = await stage.run(["take-over", "--root", stage.dir]);
  expect([code, err]).toEqual([
    0,
    "/boot/firmware/porchlight.json is in force as /etc/porchlight/settings.json; 1 secret moved to /etc/porchlight/secrets.\n",
  ]);
  expect(existsSync(join(stage.dir, "etc/porchlight/secrets/org.clientSecret"))).toBe(true);
  const again = await stage.run(["take-over", "--root", stage.dir]);
  expect([again.code, again.err]).toEqual([0, "There is no porchlight.json in /boot/firmware or /boot.\n"]);
});

it("mistakes end it with all of them, also beside settings that stay in force", async () => {
  await using stage = await openStage();
  onBoot(stage.dir, '{ "lights": 7, "colour": 1 }');
  const { code, err } = await stage.run(["take-over", "--root", stage.dir]);
  expect(code).toBe(78);
  expect(err).toMatch(/colour .*no such setting[\s\S]*lights .*must be a list/);
  mkdirSync(join(stage.dir, "etc/porchlight"));
  writeFileSync(join(stage.dir, "etc/porchlight/settings.json"), "{}");
  const beside = await stage.run(["take-over", "--show", "--root", stage.dir]);
  expect(beside.code).toBe(78);
  expect(beside.err).toMatch(/^The settings in \/etc\/porchlight\/settings\.json stay in force\.\n/);
});

it.each([
  ["the display that the file names", (dir: string) => `file:${join(dir, "screen.svg")}`, false],
  ["the terminal of whoever is there", () => "terminal", true],
  ["what there is where the file names a display that cannot be", () => "framebuffer:fb0?colours=2", true],
])("mistakes stand on %s, with the page that helps, until there are settings", async (_, display, tty) => {
  await using stage = await openStage();
  onBoot(stage.dir, { display: display(stage.dir), colour: 1 });
  const env = { TERM: "dumb" };
  const started = stage.start(["take-over", "--show", "--root", stage.dir], { env, tty });
  await started.until("SETTINGS_INVALID");
  if (tty) await started.until(helpPage);
  else await expect.poll(() => existsSync(join(stage.dir, "screen.svg")), { timeout: 10_000 }).toBe(true);
  mkdirSync(join(stage.dir, "etc/porchlight"));
  writeFileSync(join(stage.dir, "etc/porchlight/settings.json"), "{}");
  expect(await started.done).toBe(78);
  if (!tty) expect(readFileSync(join(stage.dir, "screen.svg"), "utf8")).toContain(helpPage);
});

it("others than root may not, and settings without secrets have none to be moved", async () => {
  await using stage = await openStage();
  const user = vi.spyOn(process, "getuid").mockReturnValue(1000);
  const refused = await stage.run(["take-over"]);
  user.mockRestore();
  expect([refused.code, refused.err]).toEqual([74, expect.stringContaining("only root may do this: sudo")]);
  onBoot(stage.dir, completeSettings("/var/lib/porchlight"));
  const { err } = await stage.run(["take-over", "--root", stage.dir]);
  expect(err).toMatch(/; 0 secrets moved to/);
});

it("a disk that refuses is told with the file's name", async () => {
  await using stage = await openStage();
  onBoot(stage.dir, completeSettings("/var/lib/porchlight"));
  writeFileSync(join(stage.dir, "etc/porchlight"), "a file where a folder should be");
  const { code, err } = await stage.run(["take-over", "--root", stage.dir]);
  expect(code).toBe(74);
  expect(err).toMatch(/ENOTDIR.*etc\/porchlight.*\(TAKE_OVER_FAILED\)/);
});
