import { afterEach, describe, expect, it } from "vitest";
import { wordKeys } from "../../src/adapters/vault-files.ts";
import type { Vault, VaultKey } from "../../src/ports.ts";

/** What the contract needs to know about an implementation. */
export interface VaultUnderTest {
  /** Opens the same store again, as another process or a later start would. */
  readonly open: () => Promise<Vault>;
  readonly close: () => Promise<void>;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : new TextDecoder().decode(value);

const never = new AbortController().signal;

/** What every Vault keeps to. */
export const vaultContract = (name: string, make: () => Promise<VaultUnderTest>): void => {
  describe(`the vault: ${name}`, () => {
    let under: VaultUnderTest | undefined;
    const start = async (): Promise<VaultUnderTest> => {
      under = await make();
      return under;
    };
    afterEach(async () => {
      await under?.close();
      under = undefined;
    });

    it("has nothing at first", async () => {
      const vault = await (await start()).open();
      expect(await vault.read("grant")).toBeUndefined();
      expect(await vault.read("light-main")).toBeUndefined();
    });

    it("gives back what was written, byte for byte, also to the next start", async () => {
      const { open } = await start();
      const value = Uint8Array.from({ length: 256 }, (_, index) => index);
      await (await open()).write("device-key", value);
      expect(await (await open()).read("device-key")).toEqual(value);
    });

    it("takes every name under which the program keeps something, also at the next start, and forgets each", async () => {
      const keys: readonly VaultKey[] = [...wordKeys, "light-main"];
      const { open } = await start();
      const vault = await open();
      for (const key of keys) await vault.write(key, bytes(key));
      for (const key of keys) expect(textOf(await vault.read(key))).toBe(key);
      const again = await open();
      for (const key of keys) expect(textOf(await again.read(key))).toBe(key);
      for (const key of keys) await again.write(key, undefined);
      for (const key of keys) expect(await again.read(key)).toBeUndefined();
    });

    it("keeps each key for itself", async () => {
      const vault = await (await start()).open();
      await vault.write("grant", bytes("a"));
      await vault.write("light-grant", bytes("b"));
      expect(textOf(await vault.read("grant"))).toBe("a");
      expect(textOf(await vault.read("light-grant"))).toBe("b");
    });

    it("replaces, removes, and removes again", async () => {
      const vault = await (await start()).open();
      await vault.write("grant", bytes("long first value"));
      await vault.write("grant", bytes("new"));
      expect(textOf(await vault.read("grant"))).toBe("new");
      await vault.write("grant", undefined);
      await vault.write("grant", undefined);
      expect(await vault.read("grant")).toBeUndefined();
    });

    it("gives what is whole as the newest, also where it was to be there twice", async () => {
      const vault = await (await start()).open();
      await vault.write("grant", bytes("a"), "both");
      await vault.write("grant", bytes("b"));
      expect(textOf(await vault.read("grant", "newest"))).toBe("b");
      expect(await vault.read("guests", "newest")).toBeUndefined();
    });

    it("has nothing any more of what was set aside", async () => {
      const { open } = await start();
      const vault = await open();
      await vault.write("grant", bytes("a"));
      await vault.write("grant", bytes("b"));
      await vault.setAside("grant");
      await vault.setAside("grant");
      expect(await (await open()).read("grant")).toBeUndefined();
      await vault.write("grant", bytes("c"));
      expect(textOf(await vault.read("grant"))).toBe("c");
    });

    it("changes nothing of what it gives when it settles", async () => {
      const { open } = await start();
      const vault = await open();
      await vault.write("grant", bytes("a"));
      await vault.write("device-key", bytes("b"), "both");
      await vault.settle(true);
      const again = await open();
      expect(textOf(await again.read("grant"))).toBe("a");
      expect(textOf(await again.read("device-key"))).toBe("b");
    });

    it("keeps an empty value apart from none", async () => {
      const vault = await (await start()).open();
      await vault.write("grant", new Uint8Array());
      expect(await vault.read("grant")).toEqual(new Uint8Array());
    });

    it("ends with the last of many writes, in the order they were asked for", async () => {
      const vault = await (await start()).open();
      await Promise.all(Array.from({ length: 20 }, (_, index) => vault.write("grant", bytes(String(index)))));
      expect(textOf(await vault.read("grant"))).toBe("19");
    });

    it("is not changed by what happens to the bytes after they were given or got", async () => {
      const vault = await (await start()).open();
      const given = bytes("abc");
      const writing = vault.write("grant", given);
      given.fill(0);
      await writing;
      (await vault.read("grant"))?.fill(1);
      expect(textOf(await vault.read("grant"))).toBe("abc");
    });

    it("lets one at a time work under a lock, in one vault and across vaults, and everybody in turn", async () => {
      const { open } = await start();
      const vaults = [await open(), await open()];
      let inside = 0;
      let most = 0;
      const work = async (): Promise<void> => {
        inside += 1;
        most = Math.max(most, inside);
        for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
      };
      await Promise.all(
        vaults.flatMap((vault) => Array.from({ length: 4 }, () => vault.locked("grant", work, never))),
      );
      expect(most).toBe(1);
      expect(inside).toBe(0);
    });

    it("keeps locks of different names apart", async () => {
      const vault = await (await start()).open();
      const result = await vault.locked(
        "agent",
        () => vault.locked("grant", async () => "both", never),
        never,
      );
      expect(result).toBe("both");
    });

    it("lets go of a lock when the work fails, and hands the failure on", async () => {
      const vault = await (await start()).open();
      const failure = new Error("broken");
      await expect(vault.locked("grant", () => Promise.reject(failure), never)).rejects.toBe(failure);
      expect(await vault.locked("grant", async () => "next", never)).toBe("next");
    });

    it.each(["the same vault", "another vault"])(
      "stops waiting for a lock of %s when aborted, and those behind still get theirs",
      async (whose) => {
        const { open } = await start();
        const first = await open();
        const second = whose === "the same vault" ? first : await open();
        const hold = Promise.withResolvers<void>();
        const holding = first.locked("grant", () => hold.promise, never);
        const impatient = new AbortController();
        const given = second.locked("grant", async () => "never", impatient.signal);
        const patient = second.locked("grant", async () => "in the end", never);
        const reason = new Error("enough");
        impatient.abort(reason);
        await expect(given).rejects.toBe(reason);
        hold.resolve();
        await holding;
        expect(await patient).toBe("in the end");
      },
    );

    it("does not begin when it is aborted already", async () => {
      const vault = await (await start()).open();
      let begun = false;
      const work = async (): Promise<void> => {
        begun = true;
      };
      await expect(vault.locked("grant", work, AbortSignal.abort(new Error("no")))).rejects.toThrow();
      expect(begun).toBe(false);
    });
  });
};
