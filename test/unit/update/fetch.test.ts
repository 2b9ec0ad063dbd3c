import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openPlace } from "../../../src/adapters/release-place.ts";
import { AgentError } from "../../../src/errors.ts";
import { type FetchParts, fetchRelease } from "../../../src/update/fetch.ts";
import type { Place } from "../../../src/update/place.ts";
import { createHastyClock } from "./hasty-clock.ts";
import { type Maker, openMaker } from "./maker.ts";

const never = new AbortController().signal;
const wish = { older: false, asked: false };
/** Not a text that packs well: some kilobytes stay. */
const program = Array.from({ length: 4000 }, (_, index) => Math.sin(index + 1).toString(36)).join("");

let maker: Maker;
let folder: string;
let clock: ReturnType<typeof createHastyClock>;
let server: Server;
let base: string;
/** What the server does with a request; undefined: as a good one does. */
let fault:
  | ((
      name: string,
      range: string | undefined,
    ) => { status?: number; headers?: Record<string, string>; body?: string } | undefined)
  | undefined;
let asked: string[];

beforeEach(async () => {
  maker = openMaker();
  folder = mkdtempSync(join(tmpdir(), "porchlight-fetched-"));
  clock = createHastyClock();
  asked = [];
  fault = undefined;
  server = createServer((request, response) => {
    const name = (request.url ?? "").split("/").at(-1) ?? "";
    const { range } = request.headers;
    asked.push(range === undefined ? name : `${name} ${range}`);
    const wrong = fault?.(name, range);
    if (wrong?.status !== undefined || wrong?.body !== undefined) {
      response.writeHead(wrong.status ?? 200, wrong.headers);
      response.end(wrong.body ?? "");
      return;
    }
    if (!existsSync(maker.path(name))) {
      response.writeHead(404).end();
      return;
    }
    const bytes = readFileSync(maker.path(name));
    const from = wrong === undefined ? Number(/bytes=(\d+)-/.exec(range ?? "")?.[1] ?? 0) : 0;
    if (from > 0 && from >= bytes.length) {
      response.writeHead(416).end();
      return;
    }
    response.writeHead(from > 0 ? 206 : 200, {
      "content-length": bytes.length - from,
      ...(from > 0 ? { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}),
      ...wrong?.headers,
    });
    response.end(bytes.subarray(from));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/releases`;
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true });
  maker[Symbol.dispose]();
});

const fetchFrom = async (address: string, parts: Partial<FetchParts> = {}) => {
  await using place = openPlace(address, { env: {}, userAgent: "test" });
  return await fetchRelease(
    {
      place,
      maker: maker.key,
      here: { running: "1.0.0", deviceId: "porch-1", failures: {} },
      platform: "linux-arm64",
      folder,
      clock,
      progress: () => {},
      ...parts,
    },
    wish,
    never,
  );
};
const packed = (): Buffer => readFileSync(join(folder, "porchlight-linux-arm64.zst"));
const code = (expected: string) => expect.objectContaining({ code: expected });

describe("fetching a release", () => {
  test.each([
    ["a web server", () => base],
    ["a folder", () => maker.folder],
    ["a folder as a URL", () => `file://${maker.folder}`],
  ])("from %s brings the program and the texts that prove it", async (_, address) => {
    maker.release("1.0.1", program);
    const told: number[] = [];
    expect(await fetchFrom(address(), { progress: (_version, bytes) => told.push(bytes) })).toEqual({
      version: "1.0.1",
      choice: "take",
    });
    expect(packed()).toEqual(readFileSync(maker.path("porchlight-linux-arm64.zst")));
    expect(readdirSync(folder).sort()).toEqual([
      "SHA256SUMS",
      "SHA256SUMS.minisig",
      "porchlight-linux-arm64.zst",
      "release.json",
    ]);
    expect(told.at(-1)).toBe(packed().length);
  });

  test("fetches nothing when the version runs already", async () => {
    maker.release("1.0.0");
    expect((await fetchFrom(base)).choice).toBe("upToDate");
    expect(asked).toEqual(["SHA256SUMS", "SHA256SUMS.minisig", "release.json"]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("fetches nothing twice", async () => {
    maker.release("1.0.1", program);
    await fetchFrom(base);
    asked.length = 0;
    expect((await fetchFrom(base)).choice).toBe("take");
    expect(asked).not.toContain("porchlight-linux-arm64.zst");
  });

  /** The maker's folder, from which the packed program comes `bytes` at a time; zero: never. */
  const cutting = (bytes: () => number, froms: number[]): Place => {
    const place = openPlace(maker.folder, { env: {}, userAgent: "test" });
    return {
      ...place,
      async open(name, from, signal) {
        froms.push(from);
        async function* chunks(): AsyncGenerator<Uint8Array> {
          for await (const chunk of (await place.open(name, from, signal)).chunks) {
            if (bytes() > 0) yield chunk.subarray(0, bytes());
            throw new AgentError("UPDATE_UNREACHABLE", "the line was cut");
          }
        }
        return { from, chunks: chunks() };
      },
    };
  };

  test("goes on where it was cut off, again and again, while something comes", async () => {
    maker.release("1.0.1", program);
    const froms: number[] = [];
    const half = (): number => Math.ceil(readFileSync(maker.path("porchlight-linux-arm64.zst")).length / 7);
    expect((await fetchFrom("", { place: cutting(half, froms) })).choice).toBe("take");
    expect(froms).toEqual([0, 1, 2, 3, 4, 5, 6].map((times) => times * half()));
    expect(new Set(clock.pauses)).toEqual(new Set([1000]));
    expect(packed()).toEqual(readFileSync(maker.path("porchlight-linux-arm64.zst")));
  });

  test("is given up after some pauses when nothing comes any more, and goes on from there the next time", async () => {
    maker.release("1.0.1", program);
    const froms: number[] = [];
    const once = (): number => (froms.length === 1 ? 1000 : 0);
    await expect(fetchFrom("", { place: cutting(once, froms) })).rejects.toThrow(code("UPDATE_UNREACHABLE"));
    expect(froms).toEqual([0, 1000, 1000, 1000, 1000]);
    expect(clock.pauses).toEqual([1_000, 5_000, 20_000, 60_000]);
    await fetchFrom(base);
    expect(asked.at(-1)).toBe("porchlight-linux-arm64.zst bytes=1000-");
    expect(packed()).toEqual(readFileSync(maker.path("porchlight-linux-arm64.zst")));
  });

  test.each([
    ["cannot skip", { headers: {} }],
    ["knows no such range", { status: 416 }],
  ])("begins anew where the server %s", async (_, wrong) => {
    maker.release("1.0.1", program);
    const froms: number[] = [];
    const once = (): number => (froms.length === 1 ? 1000 : 0);
    await expect(fetchFrom("", { place: cutting(once, froms) })).rejects.toThrow(code("UPDATE_UNREACHABLE"));
    fault = (_name, range) => (range === undefined ? undefined : wrong);
    expect((await fetchFrom(base)).choice).toBe("take");
    expect(packed()).toEqual(readFileSync(maker.path("porchlight-linux-arm64.zst")));
  });

  test("begins once more when what an earlier try left is damaged", async () => {
    maker.release("1.0.1", program);
    const sum = readFileSync(maker.path("SHA256SUMS"), "utf8").match(
      /^(\w+) {2}porchlight-linux-arm64.zst$/m,
    )?.[1];
    writeFileSync(join(folder, `${sum}.part`), "something else, left by nobody knows what");
    expect((await fetchFrom(base)).choice).toBe("take");
    expect(packed()).toEqual(readFileSync(maker.path("porchlight-linux-arm64.zst")));
  });

  test("takes away what belongs to another release", async () => {
    maker.release("1.0.1", program);
    writeFileSync(join(folder, "0123.part"), "old");
    await fetchFrom(base);
    expect(readdirSync(folder)).not.toContain("0123.part");
  });

  test.each([
    ["an answer that is no file", { status: 500 }, "UPDATE_UNREACHABLE"],
    ["a file that is not there", { status: 404 }, "UPDATE_UNREACHABLE"],
    [
      "a way to an unencrypted place",
      { status: 302, headers: { location: "ftp://x/" } },
      "UPDATE_UNREACHABLE",
    ],
    ["a way round in circles", { status: 302, headers: { location: "SHA256SUMS" } }, "UPDATE_UNREACHABLE"],
    ["a web page", { body: "<html>Sign in to the Wi-Fi</html>" }, "UPDATE_SIGNATURE"],
    ["a flood", { body: "x".repeat(100_000) }, "UPDATE_DAMAGED"],
  ])("is refused by %s", async (_, wrong, expected) => {
    maker.release("1.0.1", program);
    fault = (name) => (name === "SHA256SUMS" ? wrong : undefined);
    await expect(fetchFrom(base)).rejects.toThrow(code(expected));
  });

  test("is refused when the description is not the one that is signed", async () => {
    maker.release("1.0.1", program);
    writeFileSync(
      maker.path("release.json"),
      readFileSync(maker.path("release.json"), "utf8").replace("1.0.1", "9.9.9"),
    );
    await expect(fetchFrom(base)).rejects.toThrow(code("UPDATE_DAMAGED"));
  });

  test("is refused when the sums were changed", async () => {
    maker.release("1.0.1", program);
    writeFileSync(
      maker.path("SHA256SUMS"),
      `${readFileSync(maker.path("SHA256SUMS"), "utf8")}${"0".repeat(64)}  more\n`,
    );
    await expect(fetchFrom(base)).rejects.toThrow(code("UPDATE_SIGNATURE"));
  });

  test("is refused when the program is not the one that is signed, and nothing of it stays", async () => {
    maker.release("1.0.1", program);
    const bytes = readFileSync(maker.path("porchlight-linux-arm64.zst"));
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    writeFileSync(maker.path("porchlight-linux-arm64.zst"), bytes);
    await expect(fetchFrom(base)).rejects.toThrow(code("UPDATE_DAMAGED"));
    expect(readdirSync(folder)).toEqual([]);
  });

  test("is refused when the program is longer than it should be", async () => {
    maker.release("1.0.1", program);
    writeFileSync(maker.path("porchlight-linux-arm64.zst"), Buffer.alloc(100_000));
    await expect(fetchFrom(base)).rejects.toThrow(code("UPDATE_DAMAGED"));
  });

  test("is given up when the program stays too short, and what came is kept", async () => {
    maker.release("1.0.1", program);
    truncateSync(maker.path("porchlight-linux-arm64.zst"), 2000);
    await expect(fetchFrom(base)).rejects.toThrow(code("UPDATE_UNREACHABLE"));
    expect(readdirSync(folder)).toEqual([expect.stringMatching(/\.part$/)]);
  });

  test("is refused when there is none for this processor, with those there are", async () => {
    maker.release("1.0.1", program);
    await expect(fetchFrom(base, { platform: "linux-x64" })).rejects.toThrow(
      /linux-arm64.*linux-x64.*UPDATE_UNFIT/,
    );
  });

  test("says where it could not write", async () => {
    maker.release("1.0.1", program);
    await expect(fetchFrom(base, { folder: "/proc/1/nowhere" })).rejects.toThrow(code("UPDATE_CANNOT_WRITE"));
  });

  test("says that nobody is there", async () => {
    await expect(fetchFrom("http://127.0.0.1:9/")).rejects.toThrow(code("UPDATE_UNREACHABLE"));
    await expect(fetchFrom(join(folder, "missing"))).rejects.toThrow(code("UPDATE_UNREACHABLE"));
  });
});
