import { defineConfig } from "vitest/config";

/** The built command on emulated arm64 boards with Debian's own kernels. */
export default defineConfig({
  test: {
    include: ["test/board/**/*.test.ts"],
    testTimeout: 180_000,
    hookTimeout: 600_000,
    fileParallelism: false,
  },
});
