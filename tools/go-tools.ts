// Finds the programs written in Go that tests and people use: on PATH, in Go's bin directory, in our cache, or else built
// into that cache from the one table of versions below.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

interface GoTool {
  readonly module: string;
  /** Below the module; empty when the program is the module itself. */
  readonly directory: string;
  readonly version: string;
  /** Its go.mod replaces or excludes modules, so `go install` refuses it; it is built as the dependency of an empty module. */
  readonly replaces?: boolean;
}

export const goTools = {
  grpcurl: { module: "github.com/fullstorydev/grpcurl", directory: "cmd/grpcurl", version: "v1.9.4" },
  ghz: { module: "github.com/bojand/ghz", directory: "cmd/ghz", version: "v0.121.0" },
  h2spec: { module: "github.com/summerwind/h2spec", directory: "cmd/h2spec", version: "v2.2.1+incompatible" },
  connectconformance: {
    module: "connectrpc.com/conformance",
    directory: "cmd/connectconformance",
    version: "v1.0.5",
  },
  promtool: {
    module: "github.com/prometheus/prometheus",
    directory: "cmd/promtool",
    version: "v0.301.0",
    replaces: true,
  },
} as const satisfies Record<string, GoTool>;

export type GoToolName = keyof typeof goTools;

const buildMs = 600_000;

function goDirectory(): string {
  return process.env.GOBIN ?? join(process.env.GOPATH ?? join(homedir(), "go"), "bin");
}

function cacheOf(name: GoToolName): string {
  const base = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
  return join(base, "gatehouse", "tools", `${name}@${goTools[name].version}`);
}

/** As `go install` would, but through a module of our own. */
function buildAsDependency(name: GoToolName, work: string): void {
  const { module, directory, version } = goTools[name];
  const run = (...words: string[]) => execFileSync("go", words, { cwd: work, stdio: "pipe", timeout: buildMs });
  writeFileSync(join(work, "go.mod"), "module gatehouse.local/tool\n\ngo 1.24\n");
  run("get", `${module}/${directory}@${version}`);
  run("build", "-mod=mod", "-o", join(work, name), `${module}/${directory}`);
}

/** Beside its place and then renamed: whoever looks meanwhile, or after a build that was cut off, must not find half a program. */
function build(name: GoToolName, cache: string): string {
  const { module, directory, version } = goTools[name];
  const target = `${module}/${directory}@${version.replace("+incompatible", "")}`;
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, "build-"));
  try {
    if ("replaces" in goTools[name]) buildAsDependency(name, work);
    else
      execFileSync("go", ["install", target], {
        env: { ...process.env, GOBIN: work },
        stdio: "pipe",
        timeout: buildMs,
      });
    renameSync(join(work, name), join(cache, name));
  } catch (error) {
    throw new Error(`${name} is needed: install Go and run \`go install ${target}\`, or put ${name} on PATH`, {
      cause: error,
    });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return join(cache, name);
}

/** The path of the program. Throws with how to get it. */
export function findGoTool(name: GoToolName): string {
  const cache = cacheOf(name);
  const places = [...(process.env.PATH ?? "").split(delimiter), goDirectory(), cache];
  const found = places.find((place) => place !== "" && existsSync(join(place, name)));
  return found === undefined ? build(name, cache) : join(found, name);
}

/** Where Go keeps the source of a tool's module, for the files that come with it. */
export function sourceOfGoTool(name: GoToolName): string {
  const { module, version } = goTools[name];
  const answer = execFileSync("go", ["mod", "download", "-json", `${module}@${version}`], {
    encoding: "utf8",
    cwd: homedir(),
    timeout: buildMs,
  });
  return (JSON.parse(answer) as { readonly Dir: string }).Dir;
}

/** `node tools/go-tools.ts NAME...` prints where each one is, built when it was not there. */
if (process.argv[1] === import.meta.filename) {
  for (const name of process.argv.slice(2)) {
    if (!Object.hasOwn(goTools, name)) throw new Error(`no such tool; there are ${Object.keys(goTools).join(", ")}`);
    console.log(findGoTool(name as GoToolName));
  }
}
