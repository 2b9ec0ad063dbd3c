import { beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createMemoryDisk, openMemoryVault } from "../../../src/adapters/memory-vault.ts";
import { openNames } from "../../../src/agent/names.ts";
import { AgentError } from "../../../src/errors.ts";
import type { Vault } from "../../../src/ports.ts";

const settings = { device: { name: "Porch light" }, lights: [{ id: "main", name: "Porch" }] };
const ada = { userId: "005ADA", orgId: null };
const clock = new VirtualClock();
let vault: Vault;

beforeEach(() => {
  vault = openMemoryVault(createMemoryDisk());
});

describe("names", () => {
  it("are those of the settings until the owner gives others", async () => {
    const names = await openNames(vault, settings, clock);
    expect([names.device, names.light("main"), names.light("attic")]).toEqual([
      "Porch light",
      "Porch",
      "attic",
    ]);
  });

  it("given by the owner outlive the board", async () => {
    const names = await openNames(vault, settings, clock);
    let told = 0;
    const deaf = names.subscribe(() => told++);
    await names.rename(null, "Garden board", ada);
    await names.rename("main", "Garden", ada);
    deaf();
    await names.rename("main", "Garden lamp", ada);
    expect(told).toBe(2);
    const again = await openNames(vault, settings, clock);
    expect([again.device, again.light("main")]).toEqual(["Garden board", "Garden lamp"]);
  });

  it("given at the same time are all kept", async () => {
    const names = await openNames(vault, settings, clock);
    await Promise.all([names.rename(null, "Garden board", ada), names.rename("main", "Garden", ada)]);
    for (const each of [names, await openNames(vault, settings, clock)])
      expect([each.device, each.light("main")]).toEqual(["Garden board", "Garden"]);
  });

  it("have characters as people count them", async () => {
    const name = "💡".repeat(64);
    await (await openNames(vault, settings, clock)).rename("main", name, ada);
    expect((await openNames(vault, settings, clock)).light("main")).toBe(name);
  });

  it("go with their owner", async () => {
    const names = await openNames(vault, settings, clock);
    await names.rename("main", "Garden", ada);
    let told = 0;
    names.subscribe(() => told++);
    await names.belongTo({ userId: "005ADA", orgId: "00Dxx0000000001" });
    expect([names.light("main"), told]).toEqual(["Garden", 0]);
    await names.belongTo({ userId: "005BEN", orgId: null });
    expect([names.light("main"), told, await vault.read("names")]).toEqual(["Porch", 1, undefined]);
  });

  it("of another owner are not mixed with new ones, also where the disk took nothing", async () => {
    const names = await openNames(vault, settings, clock);
    await names.rename("main", "Garden", ada);
    const { write } = vault;
    vault.write = async () => {
      throw new AgentError("STATE_UNWRITABLE", "full");
    };
    await names.belongTo({ userId: "005BEN", orgId: null });
    expect(names.light("main")).toBe("Porch");
    vault.write = write;
    const again = await openNames(vault, settings, clock);
    await again.rename(null, "Hall", { userId: "005BEN", orgId: null });
    expect([again.device, again.light("main")]).toEqual(["Hall", "Porch"]);
  });

  it("give way when somebody changes the settings", async () => {
    await (await openNames(vault, settings, clock)).rename("main", "Garden", ada);
    const changed = { ...settings, lights: [{ id: "main", name: "Hall" }] };
    expect((await openNames(vault, changed, clock)).light("main")).toBe("Hall");
  });

  it("are forgotten with the owner", async () => {
    const names = await openNames(vault, settings, clock);
    await names.rename("main", "Garden", ada);
    let told = 0;
    names.subscribe(() => told++);
    await names.forget();
    expect([names.light("main"), told, await vault.read("names")]).toEqual(["Porch", 1, undefined]);
  });

  it("that cannot be kept are not given", async () => {
    const names = await openNames(vault, settings, clock);
    vault.write = async () => {
      throw new AgentError("STATE_UNWRITABLE", "full");
    };
    await expect(names.rename("main", "Garden", ada)).rejects.toMatchObject({ code: "STATE_UNWRITABLE" });
    expect(names.light("main")).toBe("Porch");
  });

  it("on a disk that cannot be read are those of the settings: no reason for a dark lamp", async () => {
    vault.read = async () => {
      throw new AgentError("STATE_DAMAGED", "names");
    };
    expect((await clock.until(openNames(vault, settings, clock))).light("main")).toBe("Porch");
  });

  it("on a disk that reads badly for a moment are there at the second look", async () => {
    await (await openNames(vault, settings, clock)).rename("main", "Garden", ada);
    const { read } = vault;
    vault.read = async (_key, least) => {
      vault.read = read;
      if (least === "newest") throw new AgentError("STATE_DAMAGED", "names");
      return undefined;
    };
    expect((await clock.until(openNames(vault, settings, clock))).light("main")).toBe("Garden");
  });

  it.each<[string, unknown]>([
    ["no JSON", "{"],
    ["no object", []],
    ["another version", { version: 2, names: {} }],
    ["no owner", { version: 1, names: { main: { name: "Garden", instead: "Porch" } } }],
    ["no names", { version: 1, by: ada, names: 7 }],
    [
      "a name that is none",
      { version: 1, by: ada, names: { main: "Garden", "": { name: "", instead: "" } } },
    ],
    ["too much", { version: 1, names: {}, more: "x".repeat(70_000) }],
  ])("on a damaged disk (%s) are those of the settings", async (_name, content) => {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    await vault.write("names", new TextEncoder().encode(text));
    const names = await openNames(vault, settings, clock);
    expect([names.device, names.light("main")]).toEqual(["Porch light", "Porch"]);
  });
});
