import { defineConfig } from "vitest/config";

/** The built command on emulated arm64 boards with Debian's own kernels. */
export default defineConfig({
  test: {
    include: ["test/board/**/*.test.ts"],
    // As Node does it: what CommonJS calls `default` is a member of its `default`.
    deps: { interopDefault: false },
    testTimeout: 180_000,
    hookTimeout: 600_000,
    // Each waits more than it works.
    maxWorkers: 2,
  },
});
