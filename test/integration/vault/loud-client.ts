// Run in a process of its own by guards.test.ts, with every debugging switch on: makes calls that succeed, are refused and
// fail, and says only that it is done. Arguments: address, and what the file with the token is called.
import { openVault } from "../../../src/vault/open.ts";

const [address = "", path = ""] = process.argv.slice(2);
// In two pieces, as the loader of modules prints their source.
const plaintext = ["CANARY", "BODY"].join("-");
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const vault = await openVault(
  {
    address,
    caFile: undefined,
    namespace: undefined,
    timeoutMs: 15_000,
    login: { method: "token", from: { setting: "GATEHOUSE_VAULT_TOKEN_FILE", path } },
  },
  { logger: quiet },
);
const outcomes = [];
for (const name of ["good", "refused", "broken"]) {
  const work = vault.write(`transit/encrypt/${name}`, { plaintext });
  outcomes.push(
    await work.then(
      () => "done",
      (error: Error) => error.name,
    ),
  );
}
await vault.close();
process.stdout.write(`${outcomes.join(" ")}\n`);
