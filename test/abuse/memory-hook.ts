// Loaded into a server under test with `--import`, and no part of the product: at SIGUSR2 it collects garbage and writes
// what is left into the file that MEMORY_HOOK_FILE names.
import { renameSync, writeFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const file = process.env.MEMORY_HOOK_FILE;
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

if (file !== undefined)
  process.on("SIGUSR2", async () => {
    for (let round = 0; round < 4; round += 1) {
      collect();
      await new Promise(setImmediate);
    }
    const { heapUsed, external, rss } = process.memoryUsage();
    const told = { used: heapUsed + external, rss };
    writeFileSync(`${file}.new`, JSON.stringify(told));
    renameSync(`${file}.new`, file);
  });
