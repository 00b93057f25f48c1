// The client's own tests, for `npm test -w @gatehouse/client`.
import { defineConfig } from "vitest/config";

// biome-ignore lint/style/noDefaultExport: vitest asks for it
export default defineConfig({
  test: { include: ["test/**/*.test.ts"], pool: "forks", maxWorkers: 2, allowOnly: false, testTimeout: 10_000 },
});
