import { expect, it } from "vitest";
import { main } from "../../../examples/asset-token-by-hand.ts";
import { epochMs } from "../../../src/units.ts";

it("the example tells its story: a token that stands up, and a forged one that does not", async () => {
  const told: string[] = [];
  await main((text) => told.push(text), epochMs(Date.parse("2026-12-01T17:00:00Z")));
  expect(told.map((text) => text.slice(0, 2))).toEqual(["1.", "2.", "3.", "4.", "5."]);
  expect(told[1]).toContain('"SerialNumber": "SN-0815"');
  expect(told[2]).toContain('"sub": "005xx000001Sv6AAAS"');
  expect(told[3]).toContain("2026-12-01T18:00:00.000Z");
  expect(told[4]).toContain("ASSET_TOKEN_INVALID");
});
