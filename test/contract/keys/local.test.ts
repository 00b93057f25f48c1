// The contract of key homes, shown for the local one.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { systemClock } from "../../../src/kernel/clock.ts";
import { openLocalHome } from "../../../src/keys/local/open.ts";
import { keyHomeContract } from "./key-home.ts";

let dataDir: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "gatehouse-home-"));
});
afterAll(() => rm(dataDir, { recursive: true }));

function open(name: string) {
  return openLocalHome({
    dataDir: join(dataDir, name),
    masterKey: undefined,
    installationId: "018f0000-0000-7000-8000-000000000001",
    clock: systemClock,
    mayCreate: true,
  });
}

keyHomeContract(
  () => open("one"),
  () => open("other"),
);
