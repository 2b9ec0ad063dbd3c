import { defineConfig } from "vitest/config";

/** Unit, contract and world tests: virtual time, no network beyond 127.0.0.1, nothing to install. */
export default defineConfig({
  test: {
    include: ["test/{unit,contract,world}/**/*.test.ts"],
    // As Node does it: what CommonJS calls `default` is a member of its `default`.
    deps: { interopDefault: false },
    // Vitest would leave one core idle: with two, that is half of them.
    maxWorkers: "100%",
    testTimeout: 90_000,
    hookTimeout: 60_000,
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts"],
      reporter: ["text-summary", "html"],
      reportsDirectory: "coverage",
      thresholds: { lines: 95, branches: 95 },
    },
  },
});
