import { defineConfig } from "vitest/config";

/** The files of `npm run build` themselves, here and on emulated boards. */
export default defineConfig({
  test: {
    include: ["test/binary/**/*.test.ts"],
    // As Node does it: what CommonJS calls `default` is a member of its `default`.
    deps: { interopDefault: false },
    // Each waits more than it works.
    maxWorkers: 2,
    testTimeout: 240_000,
    hookTimeout: 300_000,
  },
});
