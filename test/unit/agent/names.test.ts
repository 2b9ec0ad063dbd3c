import { beforeEach, describe, expect, it } from "vitest";
import { createMemoryDisk, openMemoryVault } from "../../../src/adapters/memory-vault.ts";
import { openNames } from "../../../src/agent/names.ts";
import { AgentError } from "../../../src/errors.ts";
import type { Vault } from "../../../src/ports.ts";

const settings = { device: { name: "Porch light" }, lights: [{ id: "main", name: "Porch" }] };
let vault: Vault;

beforeEach(() => {
  vault = openMemoryVault(createMemoryDisk());
});

describe("names", () => {
  it("are those of the settings until the owner gives others", async () => {
    const names = await openNames(vault, settings);
    expect([names.device, names.light("main"), names.light("attic")]).toEqual([
      "Porch light",
      "Porch",
      "attic",
    ]);
  });

  it("given by the owner outlive the board", async () => {
    const names = await openNames(vault, settings);
    let told = 0;
    const deaf = names.subscribe(() => told++);
    await names.rename(null, "Garden board");
    await names.rename("main", "Garden");
    deaf();
    await names.rename("main", "Garden lamp");
    expect(told).toBe(2);
    const again = await openNames(vault, settings);
    expect([again.device, again.light("main")]).toEqual(["Garden board", "Garden lamp"]);
  });

  it("give way when somebody changes the settings", async () => {
    await (await openNames(vault, settings)).rename("main", "Garden");
    const changed = { ...settings, lights: [{ id: "main", name: "Hall" }] };
    expect((await openNames(vault, changed)).light("main")).toBe("Hall");
  });

  it("are forgotten with the owner", async () => {
    const names = await openNames(vault, settings);
    await names.rename("main", "Garden");
    let told = 0;
    names.subscribe(() => told++);
    await names.forget();
    expect([names.light("main"), told, await vault.read("names")]).toEqual(["Porch", 1, undefined]);
  });

  it("that cannot be kept are not given", async () => {
    const names = await openNames(vault, settings);
    vault.write = async () => {
      throw new AgentError("STATE_UNWRITABLE", "full");
    };
    await expect(names.rename("main", "Garden")).rejects.toMatchObject({ code: "STATE_UNWRITABLE" });
    expect(names.light("main")).toBe("Porch");
  });

  it.each<[string, unknown]>([
    ["no JSON", "{"],
    ["no object", []],
    ["another version", { version: 2, names: {} }],
    ["no names", { version: 1, names: 7 }],
    ["a name that is none", { version: 1, names: { main: "Garden", "": { name: "", instead: "" } } }],
    ["too much", { version: 1, names: {}, more: "x".repeat(70_000) }],
  ])("on a damaged disk (%s) are those of the settings", async (_name, content) => {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    await vault.write("names", new TextEncoder().encode(text));
    const names = await openNames(vault, settings);
    expect([names.device, names.light("main")]).toEqual(["Porch light", "Porch"]);
  });
});
