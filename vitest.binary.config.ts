import { defineConfig } from "vitest/config";

/** The files of `npm run build` themselves, here and on emulated boards: one suite at a time. */
export default defineConfig({
  test: {
    include: ["test/binary/**/*.test.ts"],
    // As Node does it: what CommonJS calls `default` is a member of its `default`.
    deps: { interopDefault: false },
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 300_000,
  },
});
