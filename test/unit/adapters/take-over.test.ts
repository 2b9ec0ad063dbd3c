import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type CardFiles, groupNumber, openCardFiles } from "../../../src/adapters/card-files.ts";
import { type TakeOverFrom, takeOver } from "../../../src/adapters/take-over.ts";
import { parseSettings } from "../../../src/agent/settings-parse.ts";
import { boardToCome } from "../../../src/agent/settings-take-over.ts";

const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true });
});

const boot = "/boot/firmware";
const given = `${boot}/porchlight.json`;
const settings = "/etc/porchlight/settings.json";
const from: TakeOverFrom = {
  boot: [boot, "/boot"],
  folder: "/etc/porchlight",
  secrets: "/etc/porchlight/secrets",
  settings,
  board: boardToCome,
};

const key = "-----BEGIN PRIVATE KEY-----\nburied treasure\n";
const withPassword = (password: string, more: object = {}): string => `// The porch.
${JSON.stringify({
  org: { clientId: "3MVG9", clientSecret: `client ${password}` },
  broker: {
    url: "mqtts://broker.example",
    auth: "password",
    password,
    cert: "board.pem",
    key: "private/board.key",
  },
  lights: [{ driver: "memory:" }],
  ...more,
})}`;

/** A card with these files, by the board's paths. */
const card = (files: Readonly<Record<string, string>>): string => {
  const root = mkdtempSync(join(tmpdir(), "porchlight-card-"));
  roots.push(root);
  mkdirSync(join(root, "etc"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
};
const complete = (password: string): Readonly<Record<string, string>> => ({
  [given]: withPassword(password),
  [`${boot}/board.pem`]: "a certificate",
  [`${boot}/private/board.key`]: key,
});
const text = (root: string, path: string): string => readFileSync(join(root, path), "utf8");
const mode = (root: string, path: string): string => (statSync(join(root, path)).mode & 0o7777).toString(8);

/** Everything that can be read on the boot partition. */
const onBoot = (root: string): string =>
  readdirSync(join(root, boot), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"))
    .join("\n");

/** The password and the private key as the service would get them with the settings in force; undefined without settings. */
const inForce = (root: string): readonly [password: string, privateKey: string] | undefined => {
  const files = openCardFiles(root);
  const found = files.read(settings);
  if (!found.ok) return undefined;
  const credentials = "/run/credentials";
  const load = (name: string) => files.read(`${from.secrets}/${name.slice("secret_".length)}`);
  const result = parseSettings({
    file: { path: settings, text: found.text },
    env: { CREDENTIALS_DIRECTORY: credentials },
    board: boardToCome,
    load: (elsewhere) => load("credential" in elsewhere ? elsewhere.credential : ""),
  });
  if (!result.ok) throw new Error("the settings in force are wrong");
  const { broker } = result.settings;
  const named = load((broker.key ?? "").slice(credentials.length + 1));
  return [broker.password?.reveal() ?? "", named.ok ? named.text : named.problem];
};

describe("settings on the boot partition", () => {
  it("come into force without their secrets, which only root can read, and leave none behind", async () => {
    const root = card(complete("sesame"));
    const outcome = await takeOver(from, openCardFiles(root));
    expect(outcome).toEqual({ kind: "taken", from: given, secrets: 3 });
    expect(inForce(root)).toEqual(["sesame", key]);
    expect(text(root, settings)).not.toMatch(/sesame/);
    expect(JSON.parse(text(root, settings)).broker.cert).toBe("/etc/porchlight/broker.cert.pem");
    expect(mode(root, settings)).toBe("640");
    expect(mode(root, "/etc/porchlight/secrets")).toBe("700");
    expect(mode(root, "/etc/porchlight/secrets/broker.password")).toBe("600");
    expect(onBoot(root)).not.toMatch(/sesame|treasure/);
    expect(readdirSync(join(root, boot)).sort()).toEqual(["board.pem", "porchlight.json.taken", "private"]);
    expect(await takeOver(from, openCardFiles(root))).toEqual({ kind: "nothing" });
  });

  it("that follow earlier ones replace them, with their secrets", async () => {
    const root = card(complete("sesame"));
    await takeOver(from, openCardFiles(root));
    for (const password of ["barley", "rye"]) {
      writeFileSync(
        join(root, given),
        withPassword(password, {
          broker: { ...JSON.parse(withPassword(password).slice(14)).broker, cert: null, key: null },
        }),
      );
      await takeOver(from, openCardFiles(root));
      expect(inForce(root)?.[0]).toBe(password);
      expect(readdirSync(join(root, from.secrets))).toHaveLength(2);
    }
  });

  it("with mistakes change nothing, and the file beside them tells every one without a secret", async () => {
    const root = card({ [given]: withPassword("sesame", { colour: "red", state: { dir: "state" } }) });
    const outcome = await takeOver(from, openCardFiles(root));
    expect(outcome).toMatchObject({ kind: "wrong", goesOn: false });
    const told = text(root, `${boot}/porchlight-errors.txt`);
    expect(told).toMatch(/- colour .*there is no such setting/);
    expect(told).toMatch(/- broker\.cert = "board\.pem" .*does not exist\r\n/);
    expect(told).toMatch(/- state\.dir = "state" .*not on the boot partition/);
    expect(told).not.toContain("sesame");
    expect(readdirSync(join(root, "etc"))).toEqual([]);
    expect(text(root, given)).toContain("sesame");
  });

  it("with mistakes leave the settings before them in force; the list of mistakes goes when they are mended", async () => {
    const root = card(complete("sesame"));
    await takeOver(from, openCardFiles(root));
    writeFileSync(join(root, given), "{");
    expect(await takeOver(from, openCardFiles(root))).toMatchObject({ kind: "wrong", goesOn: true });
    expect(inForce(root)).toEqual(["sesame", key]);
    writeFileSync(join(root, given), text(root, `${boot}/porchlight.json.taken`));
    expect(await takeOver(from, openCardFiles(root))).toMatchObject({ kind: "taken" });
    expect(inForce(root)).toEqual(["sesame", key]);
    expect(readdirSync(join(root, boot))).not.toContain("porchlight-errors.txt");
  });

  it("that are too large to be settings are a mistake, not a full memory", async () => {
    const root = card({ [given]: " ".repeat(300_000) });
    const outcome = await takeOver(from, openCardFiles(root));
    expect(outcome).toMatchObject({
      kind: "wrong",
      mistakes: [{ problem: expect.stringMatching(/too large/) }],
    });
  });

  it("on a partition that cannot be written are in force, and the failure is told", async () => {
    const root = card(complete("sesame"));
    const files = openCardFiles(root);
    const readOnly: CardFiles = { ...files, rename: () => Promise.reject(new Error("EROFS: read-only")) };
    await expect(takeOver(from, readOnly)).rejects.toThrow(/EROFS/);
    expect(inForce(root)).toEqual(["sesame", key]);
  });
});

/** Files whose power fails at the step `cutAt` (counted from 0), before it or in the middle of it. */
const failing = (
  root: string,
  cutAt: number,
  inTheMiddle: boolean,
): { files: CardFiles; steps: () => number } => {
  const real = openCardFiles(root);
  let count = 0;
  const step =
    <A extends readonly unknown[]>(
      work: (...args: A) => Promise<void>,
      half: (...args: A) => void = () => {},
    ) =>
    async (...args: A): Promise<void> => {
      if (count++ === cutAt) {
        if (inTheMiddle) half(...args);
        throw new Error("the power is gone");
      }
      await work(...args);
    };
  const at = (path: string): string => join(root, path);
  return {
    steps: () => count,
    files: {
      ...real,
      makeFolder: step(real.makeFolder, (path) => mkdirSync(at(path), { recursive: true })),
      write: step(real.write, (path, whole) =>
        writeFileSync(`${at(path)}.porchlight-new`, whole.slice(0, 5)),
      ),
      // As FAT may leave it: the new name, and nothing behind it.
      rename: step(real.rename, (old, name) => {
        rmSync(at(old));
        writeFileSync(at(name), "");
      }),
      overwrite: step(real.overwrite, (path) => {
        const old = readFileSync(at(path), "latin1");
        writeFileSync(at(path), "\n".repeat(old.length / 2) + old.slice(old.length / 2));
      }),
      remove: step(real.remove),
    },
  };
};

describe("a cut of power during the take-over", () => {
  it.each([
    ["of a first file", false],
    ["of a file that follows another", true],
  ])(
    "%s, before or in the middle of any step, leaves the old or the new settings, and the next start finishes",
    async (_, second) => {
      const prepare = async (): Promise<string> => {
        if (!second) return card(complete("new"));
        const root = card(complete("old"));
        await takeOver(from, openCardFiles(root));
        for (const [path, content] of Object.entries(complete("new")))
          writeFileSync(join(root, path), content);
        writeFileSync(join(root, boot, "porchlight-errors.txt"), "of another time");
        return root;
      };
      const counting = failing(await prepare(), -1, false);
      await takeOver(from, counting.files);
      expect(counting.steps()).toBeGreaterThan(8);
      for (let cutAt = 0; cutAt < counting.steps(); cutAt += 1)
        for (const inTheMiddle of [false, true]) {
          const root = await prepare();
          await expect(takeOver(from, failing(root, cutAt, inTheMiddle).files)).rejects.toThrow("power");
          const between = inForce(root);
          const allowed = [second ? ["old", key] : undefined, ["new", key]];
          expect(allowed).toContainEqual(between);
          await takeOver(from, openCardFiles(root));
          expect(inForce(root)).toEqual(["new", key]);
          expect(onBoot(root)).not.toMatch(/"old"|"new"|client new|treasure/);
          expect(readdirSync(join(root, boot)).sort()).toEqual([
            "board.pem",
            "porchlight.json.taken",
            "private",
          ]);
          expect(readdirSync(join(root, from.secrets)).length).toBe(3);
        }
    },
  );
});

describe("a cut of power before the wiping", () => {
  const interrupted = async (): Promise<string> => {
    const root = card(complete("sesame"));
    const stopped: CardFiles = {
      ...openCardFiles(root),
      overwrite: () => Promise.reject(new Error("the power is gone")),
    };
    await expect(takeOver(from, stopped)).rejects.toThrow("power");
    return root;
  };

  it("and other settings on the card at the next start: those come into force", async () => {
    const root = await interrupted();
    writeFileSync(join(root, given), withPassword("barley"));
    expect(await takeOver(from, openCardFiles(root))).toMatchObject({ kind: "taken" });
    expect(inForce(root)).toEqual(["barley", key]);
    expect(onBoot(root)).not.toMatch(/barley|treasure/);
  });

  it("and no settings on the card at the next start: nothing is left to do", async () => {
    const root = await interrupted();
    rmSync(join(root, given));
    expect(await takeOver(from, openCardFiles(root))).toEqual({ kind: "nothing" });
    expect(inForce(root)).toEqual(["sesame", key]);
    expect(readdirSync(join(root, from.folder)).sort()).toEqual([
      "broker.cert.pem",
      "secrets",
      "settings.json",
    ]);
  });
});

it("the number of a group is found by its whole name", () => {
  const groups = "root:x:0:\nporchlight-old:x:9:\nporchlight:x:104:\nodd:x:many:\n";
  expect(groupNumber(groups, "porchlight")).toBe(104);
  expect(groupNumber(groups, "porch")).toBeUndefined();
  expect(groupNumber(groups, "odd")).toBeUndefined();
});
