// Finds grpcurl, what people debug with: on PATH, in Go's bin directory, in our cache, or else built into that cache.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

const version = "v1.9.4";
const module = `github.com/fullstorydev/grpcurl/cmd/grpcurl@${version}`;

function inDirectory(directory: string): string | undefined {
  const path = join(directory, "grpcurl");
  return directory !== "" && existsSync(path) ? path : undefined;
}

function goDirectory(): string {
  return process.env.GOBIN ?? join(process.env.GOPATH ?? join(homedir(), "go"), "bin");
}

function build(cache: string): string {
  mkdirSync(cache, { recursive: true });
  try {
    execFileSync("go", ["install", module], { env: { ...process.env, GOBIN: cache }, stdio: "pipe", timeout: 300_000 });
  } catch (error) {
    throw new Error(`grpcurl is needed: install Go and run \`go install ${module}\`, or put grpcurl on PATH`, {
      cause: error,
    });
  }
  return join(cache, "grpcurl");
}

/** The path of the program. Throws with how to get it. */
export function findGrpcurl(): string {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "gatehouse", `grpcurl-${version}`);
  const places = [...(process.env.PATH ?? "").split(delimiter), goDirectory(), cache];
  for (const place of places) {
    const found = inDirectory(place);
    if (found !== undefined) return found;
  }
  return build(cache);
}
