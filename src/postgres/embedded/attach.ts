// Comes to an answering server, whatever state the last process left: nothing, an orphan that works, one that is
// starting or stopping, one that hangs, or a process id file whose process is gone or is somebody else by now.
import { StartRefused } from "../../kernel/start-refused.ts";
import type { ConnectionSettings } from "../connection.ts";
import { sqlState } from "../errors.ts";
import {
  isInhabited,
  isOurPostmaster,
  type Patience,
  pause,
  readPidFile,
  removeTraces,
  type StartPostmaster,
  startPostmaster,
  stopPostmaster,
} from "./postmaster.ts";
import { openWatch, type Watch } from "./watch.ts";

export interface AttachOptions extends StartPostmaster {
  readonly owner: ConnectionSettings;
  readonly patience: Patience;
}

/** `adopted` = the server ran already: an earlier process was killed and left it. */
export interface Attached {
  readonly watch: Watch;
  readonly adopted: boolean;
}

const retryMs = 20;
const longestTryMs = 5_000;
const authorisationClass = "28";

/** False = it ended at once for a reason that may pass. */
async function start(options: AttachOptions): Promise<boolean> {
  if (await startPostmaster(options)) return true;
  if ((await readPidFile(options.layout)) !== undefined) return false;
  throw new StartRefused(`the embedded Postgres does not start: ${options.layout.log} says why`);
}

/** `silence` = somebody listens on the socket and does not serve us yet; `nobody` = no one listens. */
type Answer = Watch | "silence" | "nobody";

/** A server that we started and that does not know us is stopped again. */
async function ask(options: AttachOptions, started: boolean): Promise<Answer> {
  try {
    const withinMs = Math.min(longestTryMs, options.patience.answerMs);
    return await openWatch(options.owner, withinMs);
  } catch (error) {
    if (sqlState(error)?.startsWith(authorisationClass)) {
      if (started) await stopPostmaster(options.layout, options.patience);
      throw new StartRefused(
        `the embedded Postgres of ${options.layout.root} does not take the passwords in ${options.layout.credentials}`,
      );
    }
    return ["ECONNREFUSED", "ENOENT"].includes((error as NodeJS.ErrnoException).code ?? "") ? "nobody" : "silence";
  }
}

/**
 * Makes room for a start. A server of ours gets time to answer and is then stopped. What a dead one left is removed here
 * and not judged by PostgreSQL, which takes a zombie, or whoever has the process id now (a container that restarted), for
 * the old server. It is dead when no one listens on its socket (true for other containers, too) and no process works in
 * its directory.
 */
async function makeRoom(options: AttachOptions, answer: Answer, waitedMs: number): Promise<"free" | "wait"> {
  const { layout, patience } = options;
  const file = await readPidFile(layout);
  const ours = file !== undefined && (await isOurPostmaster(file.pid, layout));
  if (ours && waitedMs >= patience.answerMs) await stopPostmaster(layout, patience);
  else if (ours || answer === "silence") return "wait";
  if (await isInhabited(layout)) return "wait";
  await removeTraces(layout);
  return "free";
}

/** The directory must be locked. Throws StartRefused when no way leads to a server that answers. */
export async function attach(options: AttachOptions): Promise<Attached> {
  const { layout, patience } = options;
  let since = performance.now();
  const longestMs = 4 * (patience.answerMs + patience.stopMs);
  let adopted = true;
  for (let waitedMs = 0; waitedMs < longestMs; waitedMs = performance.now() - since) {
    const answer = await ask(options, !adopted);
    if (typeof answer === "object") return { watch: answer, adopted };
    if ((await makeRoom(options, answer, waitedMs)) === "free" && (await start(options))) {
      // Its recovery may have taken longer than all patience, and now it accepts connections.
      if (adopted) since = performance.now();
      adopted = false;
    } else await pause(retryMs);
  }
  throw new StartRefused(`the embedded Postgres of ${layout.root} does not answer: ${layout.log} says why`);
}
