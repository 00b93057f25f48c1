// The embedded PostgreSQL: a real server that belongs to one data directory and one process.
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../../kernel/logger.ts";
import { StartRefused } from "../../kernel/start-refused.ts";
import type { ConnectionSettings } from "../connection.ts";
import { type AttachOptions, attach } from "./attach.ts";
import { findBinaries } from "./binaries.ts";
import { type Credentials, type Login, logins, readCredentials } from "./credentials.ts";
import { databaseName, initialiseOnce } from "./initialise.ts";
import { type Layout, openDataDirectory } from "./layout.ts";
import { lockDirectory } from "./lock.ts";
import { findOsUser, type OsUser } from "./os-user.ts";
import { type Patience, stopPostmaster, usualPatience } from "./postmaster.ts";
import { openSocketDirectory, type SocketDirectory, socketPort } from "./socket.ts";
import type { Watch } from "./watch.ts";

export interface EmbeddedOptions {
  readonly dataDirectory: string;
  readonly logger: Logger;
  /** Server settings that tests change. */
  readonly overrides?: Readonly<Record<string, string>>;
  readonly patience?: Patience;
}

export interface EmbeddedServer {
  connection(login: Login, database?: string): ConnectionSettings;
  /** The server ran already, left by a process that was killed. */
  readonly adopted: boolean;
  /** Fast shutdown. Every pool must be closed before. */
  stop(): Promise<void>;
}

const major = "18";

/** An existing cluster belongs to the user that made it, whatever candidates there are now. */
async function clusterUser(layout: Layout): Promise<OsUser | undefined> {
  const found = await findOsUser();
  const existing = await stat(layout.cluster).catch(() => undefined);
  if (existing === undefined) return found;
  if (found !== undefined && existing.uid !== 0) return { name: "", uid: existing.uid, gid: existing.gid };
  if (existing.uid === process.geteuid?.()) return found;
  throw new StartRefused(
    `the database in ${layout.root} belongs to another user: start gatehouse as the user that made it`,
  );
}

async function requireVersion(layout: Layout): Promise<void> {
  const version = (await readFile(join(layout.cluster, "PG_VERSION"), "utf8").catch(() => "")).trim();
  if (version === major) return;
  throw new StartRefused(
    `the database in ${layout.root} was made by PostgreSQL ${version || "unknown"}, and this release has ${major}`,
  );
}

function connectionFor(host: string, credentials: Credentials) {
  return (login: Login, database = databaseName): ConnectionSettings => ({
    host,
    port: socketPort,
    database,
    user: logins[login],
    password: credentials[login],
  });
}

interface Held {
  readonly place: AttachOptions;
  readonly connection: EmbeddedServer["connection"];
  readonly socket: SocketDirectory;
}

async function prepare(options: EmbeddedOptions, layout: Layout): Promise<Held> {
  const { logger, overrides = {}, patience = usualPatience } = options;
  const user = await clusterUser(layout);
  const binaries = await findBinaries(user);
  if (user?.name === "nobody") logger.warn({}, "the embedded Postgres runs as nobody: a user named gatehouse is safer");
  if (await initialiseOnce(layout, binaries, user)) logger.info({ path: layout.home }, "made a new database");
  await requireVersion(layout);
  const credentials = await readCredentials(layout.credentials);
  const socket = await openSocketDirectory(layout.cluster);
  const connection = connectionFor(socket.path, credentials);
  return { place: { layout, binaries, user, overrides, owner: connection("owner"), patience }, connection, socket };
}

/** Attaches, and attaches again whenever the server dies under us. */
async function keepAttached(
  place: AttachOptions,
  logger: Logger,
): Promise<{ adopted: boolean; stop(): Promise<void> }> {
  let stopping = false;
  let current: Watch;
  const watch = (next: Watch): void => {
    current = next;
    next.onLost(() => {
      if (stopping) return;
      logger.error({}, "the embedded Postgres went away: starting it again");
      attach(place).then(
        (attached) => watch(attached.watch),
        (error: unknown) => logger.error({ err: error }, "the embedded Postgres does not come back"),
      );
    });
  };
  const attached = await attach(place);
  watch(attached.watch);
  const stop = async (): Promise<void> => {
    stopping = true;
    await stopPostmaster(place.layout, place.patience);
    await current.close();
  };
  return { adopted: attached.adopted, stop };
}

/**
 * Takes the directory, makes the cluster when there is none, and starts or adopts its server. Throws StartRefused with
 * one sentence when the directory cannot be used or another process has it.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const layout = await openDataDirectory(options.dataDirectory);
  // Held until the server is gone, or another process could adopt a server that is about to stop.
  const lock = await lockDirectory(layout.root);
  let socket: SocketDirectory | undefined;
  const letGo = async (): Promise<void> => {
    await socket?.remove();
    lock.release();
  };
  try {
    const held = await prepare(options, layout);
    socket = held.socket;
    const { adopted, stop } = await keepAttached(held.place, options.logger);
    return { connection: held.connection, adopted, stop: () => stop().finally(letGo) };
  } catch (error) {
    await letGo();
    throw error;
  }
}
