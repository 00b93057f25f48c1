// Two processes of one installation on one database, as replicas behind a balancer are.
import { randomBytes } from "node:crypto";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { shareKeys } from "../../fixtures/key-home.ts";
import { databaseUrl } from "./database-url.ts";
import type { Environment, GatehouseProcess } from "./gatehouse-process.ts";
import {
  bootstrap,
  type Installation,
  makeInstallation,
  type Person,
  quickHashing,
  visitorOf,
} from "./installation.ts";

export interface Pair extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly administrator: Person;
  at(index: 0 | 1): GatehouseProcess;
  /** SIGKILL to both, then both again. */
  killAndStart(): Promise<void>;
}

const quick = {
  ...quickHashing,
  GATEHOUSE_LIMIT_TOKEN_CHECK: "off",
  GATEHOUSE_LIMIT_READ: "off",
  GATEHOUSE_LIMIT_WRITE: "off",
};

export async function startPair(more: Environment = {}): Promise<Pair> {
  const database = await startTestDatabase();
  const given = {
    ...quick,
    ...more,
    GATEHOUSE_DATABASE_URL: databaseUrl(database.connection("app")),
    GATEHOUSE_MASTER_KEY: randomBytes(32).toString("base64"),
  };
  const installations: Installation[] = [await makeInstallation(given), await makeInstallation(given)];
  const servers: GatehouseProcess[] = [];
  const dispose = async () => {
    for (const installation of installations) await installation[Symbol.asyncDispose]();
    await database.drop();
  };
  try {
    const [one, other] = installations as [Installation, Installation];
    const first = await one.start();
    const administrator = await bootstrap(one.dataDir, visitorOf(first));
    await shareKeys(one.dataDir, other.dataDir);
    servers.push(first, await other.start());
    return {
      database,
      administrator,
      at(index) {
        const server = servers[index];
        if (server === undefined) throw new TypeError("not started");
        return server;
      },
      async killAndStart() {
        await Promise.all(servers.map((server) => server.kill()));
        for (const [index, installation] of installations.entries()) servers[index] = await installation.start();
      },
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}
