import { defineConfig } from "vitest/config";

/** The built program as a child process against an authorization server and a broker that are not ours; the companion app in a browser. */
export default defineConfig({
  test: {
    include: ["test/{real,app}/**/*.test.ts"],
    // As Node does it: what CommonJS calls `default` is a member of its `default`.
    deps: { interopDefault: false },
    testTimeout: 90_000,
    hookTimeout: 120_000,
    // Each waits more than it works.
    maxWorkers: 2,
  },
});
