// A Gatehouse that is watched: where it is scraped, and what a scrape says.
import { type Environment, type GatehouseProcess, startGatehouse } from "../server/gatehouse-process.ts";
import type { Installation } from "../server/installation.ts";

export type Watched = Awaited<ReturnType<typeof startWatched>>;

/** Resolves when `read` answers something; fails when the test's own time is over. */
export async function until<T>(read: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await read();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Of a server whose GATEHOUSE_METRICS_LISTEN took a free port. */
export async function scrapedOf(server: GatehouseProcess) {
  const address = await until(
    () => /"address":"([^"]+)","message":"metrics are served"/.exec(server.output().stderr)?.[1],
  );
  const scrape = async (): Promise<string> => (await fetch(`http://${address}/metrics`)).text();
  return { address, scrape };
}

export async function startWatched(installation: Installation, more: Environment = {}) {
  const server = await startGatehouse({
    ...installation.environment,
    GATEHOUSE_METRICS_LISTEN: "127.0.0.1:0",
    ...more,
  });
  return { server, ...(await scrapedOf(server)) };
}

/** The sum of all series of `name` whose labels hold every part of `labels`. */
export function sumOf(scraped: string, name: string, labels: readonly string[] = []): number {
  return scraped
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter((line) => labels.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

export function namesIn(scraped: string): ReadonlySet<string> {
  return new Set([...scraped.matchAll(/^([a-z_][a-z0-9_]*)[{ ]/gim)].map(([, name]) => name ?? ""));
}
