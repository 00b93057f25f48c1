// `npm run demo [-- ADDRESS] [--data-dir DIR]`: tells the README's story through the TypeScript client against a running
// server, one line a step. Exits 0 only when every step went as the contracts say. Can be run again and again.
import { parseArgs } from "node:util";
import { createGatehouse } from "../clients/typescript/src/index.ts";
import { administratorOf } from "./demo/administrator.ts";
import { createNarrator, Differs } from "./demo/narrator.ts";
import { tellStory } from "./demo/story.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { "data-dir": { type: "string" } },
});
const address = positionals[0] ?? process.env.GATEHOUSE_GRPC_LISTEN ?? "127.0.0.1:50051";
const dataDir = values["data-dir"] ?? process.env.GATEHOUSE_DATA_DIR ?? ".gatehouse";
const given = { loginName: process.env.GATEHOUSE_DEMO_LOGIN, password: process.env.GATEHOUSE_DEMO_PASSWORD };

/** A password is hashed for seconds on a machine that has something else to do. */
const deadlineMs = 20_000;

const narrator = createNarrator((line) => console.log(line));
try {
  await using visitor = createGatehouse({ address, deadlineMs });
  await narrator.step(`The server on ${address} answers`, () => administratorOf.greet(visitor));
  const credentials = await narrator.step("An administrator is there", () =>
    administratorOf.find(visitor, dataDir, given),
  );
  await using administrator = createGatehouse({ address, credentials: credentials.value, deadlineMs });
  await tellStory({ address, visitor, administrator, narrator });
  console.log("Every step went as the contracts say.");
} catch (error) {
  if (!(error instanceof Differs)) throw error;
  console.log(error.message);
  process.exitCode = 1;
}
