// The process: the only place that reads the environment, listens to signals and exits. What a command needs is loaded
// when the command runs, so that `--help` and `config` answer at once.
import { randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";
import { CommanderError } from "commander";
import manifest from "../package.json" with { type: "json" };
import { type Actions, createCli } from "./cli.ts";
import { type LoadedConfig, loadConfig, readSettings } from "./config/load.ts";
import { readSettingFile } from "./config/setting-file.ts";
import { systemClock } from "./kernel/clock.ts";
import type { Logger } from "./kernel/logger.ts";
import { StartRefused } from "./kernel/start-refused.ts";
import type { LeveledLogger, LoggingDeps, LogLevel } from "./logging.ts";
import type { RunningServer } from "./server.ts";
import { createStopSignal } from "./stop-signal.ts";

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

const settingsSource = { env: process.env, readFile: readSettingFile };

function loadSettings(): LoadedConfig {
  return loadConfig(settingsSource);
}

async function loggerAt(
  level: LogLevel,
  printing?: Promise<Pick<LoggingDeps, "printMessage">>,
): Promise<LeveledLogger> {
  const { createLogger } = await import("./logging.ts");
  const logger = createLogger({ level, clock: systemClock, ...(await printing) });
  process.once("exit", logger.flush);
  return logger;
}

/** A bug must not be a way to stop the service: once it serves, what nobody caught is logged under an id and it goes on. */
function keepServing(logger: Logger): void {
  const record = (err: unknown) => logger.error({ err, error_id: randomUUID() }, "an error that nobody caught");
  process.on("uncaughtException", record);
  process.on("unhandledRejection", record);
}

/** A SIGHUP that comes before the server is ready is not lost, and never ends the process. */
function hearHangUp(ready: Promise<Pick<RunningServer, "reload">>): void {
  process.on("SIGHUP", () => {
    ready.then(
      (server) => server.reload(() => readSettings(settingsSource)),
      () => undefined,
    );
  });
}

async function serve(): Promise<void> {
  const { config } = loadSettings();
  const stopSignal = createStopSignal({
    on: (signal, listener) => process.on(signal, listener),
    monotonic: () => performance.now(),
    exit: (code) => process.exit(code),
  });
  const [logger, { startServer }] = await Promise.all([
    loggerAt(config.logLevel, import("./printed-messages.ts")),
    import("./server.ts"),
  ]);
  const setLogLevel = (level: LogLevel): void => {
    logger.level = level;
  };
  const starting = startServer({ config, logger, lines: logger.lines, setLogLevel, clock: systemClock });
  hearHangUp(starting);
  const server = await starting;
  keepServing(logger);
  const { addresses, dataDir, bootstrapTokenPath } = server.ready;
  const bootstrap = bootstrapTokenPath === undefined ? "" : `, bootstrap token in ${bootstrapTokenPath}`;
  say(`gatehouse: ready on ${addresses.join(", ")}, data in ${dataDir}${bootstrap}`);
  await stopSignal.requested;
  await server.stop();
}

function operator() {
  return import("./operator.ts");
}

async function operatorOptions() {
  const { config } = loadSettings();
  return { config, logger: await loggerAt(config.logLevel), clock: systemClock };
}

async function showConfig(): Promise<void> {
  const { describeConfig, renderConfig } = await import("./config/describe.ts");
  say(renderConfig(describeConfig(loadSettings())));
}

/** Not an argument: those are seen by everybody on the machine. */
async function readInput(mostBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw new StartRefused("more came in than any token has");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

async function decode(): Promise<void> {
  const { describeToken, mostTokenBytes } = await import("./decode-token.ts");
  say(describeToken(await readInput(mostTokenBytes)));
}

const actions: Actions = {
  decode,
  serve,
  config: showConfig,
  migrate: async () => say(await (await operator()).migrate(await operatorOptions())),
  explain: async (question) => say(await (await operator()).explainPolicy(question, await operatorOptions())),
  policy: async () => say(await (await operator()).describePolicy(loadSettings().config)),
  devCerts: async (options) => say(await (await operator()).devCerts(options, systemClock)),
  initKeys: async (options) => say(await (await operator()).initKeys(options, await operatorOptions())),
  rotateWrappingKeys: async () => say(await (await operator()).rotateWrappingKeys(await operatorOptions())),
  migrateKeys: async (options) => say(await (await operator()).migrateKeys(options, await operatorOptions())),
  recoverAdmin: async () => say(await (await operator()).recoverAdmin(await operatorOptions())),
};

/** Says why on stderr: a sentence for what the operator can mend, an incident id for what only the log explains. */
async function explain(error: unknown): Promise<number> {
  if (error instanceof CommanderError) return error.exitCode;
  if (error instanceof StartRefused) {
    process.stderr.write(`gatehouse: ${error.message}\n`);
    return 1;
  }
  const errorId = randomUUID();
  const logger = await loggerAt("error");
  logger.error({ err: error, error_id: errorId }, "stopped by an error that nobody expected");
  process.stderr.write(`gatehouse: internal error, incident ${errorId}; the log has its cause under that id\n`);
  return 1;
}

async function run(): Promise<number> {
  const write = {
    out: (text: string) => void process.stdout.write(text),
    err: (text: string) => void process.stderr.write(text),
  };
  const given = process.argv.slice(2);
  try {
    await createCli({ actions, version: manifest.version, write }).parseAsync(given.length > 0 ? given : ["serve"], {
      from: "user",
    });
    return 0;
  } catch (error) {
    return await explain(error);
  }
}

// A reader that goes away (`gatehouse config | head -1`) is no error.
process.stdout.on("error", () => undefined);
process.exit(await run());
