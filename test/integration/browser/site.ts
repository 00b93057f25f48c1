// A site of its own origin that serves one page with the client in it.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { rolldown } from "rolldown";

/** The page's script as a browser loads it: one file, and nothing of Node in it. */
export async function bundlePage(): Promise<string> {
  const bundle = await rolldown({ input: join(import.meta.dirname, "page.ts"), platform: "browser" });
  const { output } = await bundle.generate({ format: "iife", minify: true });
  await bundle.close();
  return output[0].code;
}

export interface Site {
  readonly origin: string;
  close(): void;
}

export async function serveSite(script: string): Promise<Site> {
  const server = createServer((request, response) => {
    if (request.url === "/page.js") response.setHeader("content-type", "text/javascript").end(script);
    else
      response
        .setHeader("content-type", "text/html")
        .end('<!doctype html><title>site</title><script src="/page.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
