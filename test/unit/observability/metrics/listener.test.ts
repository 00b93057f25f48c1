// The address for metrics: one path, one method, few connections.
import { request } from "node:http";
import { connect, createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { StartRefused } from "../../../../src/kernel/start-refused.ts";
import { createLedger } from "../../../../src/observability/metrics/ledger.ts";
import { type MetricsListener, openMetricsListener } from "../../../../src/observability/metrics/listener.ts";

let open: MetricsListener | undefined;
afterEach(() => open?.close());

async function serve(more: { readonly help?: string; readonly quietMs?: number } = {}): Promise<string> {
  const { help = "Calls.", quietMs = 10_000 } = more;
  const ledger = createLedger();
  ledger.counter({ name: "calls_total", help }).with({}).add(4);
  open = await openMetricsListener({ ledger, host: "127.0.0.1", port: 0, quietMs });
  return `http://${open.address}`;
}

function send(url: string, method: string, path: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, path, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on("error", reject).end();
  });
}

describe("DAT-08 the address for metrics", () => {
  it("tells the metrics, and tells nobody what serves them", async () => {
    const response = await fetch(`${await serve()}/metrics`);
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(response.headers.get("server")).toBeNull();
    expect(response.headers.get("x-powered-by")).toBeNull();
    expect(await response.text()).toContain("\ncalls_total 4\n");
  });

  it.each(["/", "/metrics/", "/metrics/x", "/debug/pprof", "/%6detrics", "//metrics", "*"])(
    "knows no path %s",
    async (path) => {
      expect(await send(await serve(), "GET", path)).toMatchObject({ status: 404, text: "not found\n" });
    },
  );

  it.each(["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])("takes no %s", async (method) => {
    expect(await send(await serve(), method, "/metrics")).toMatchObject({ status: 405 });
  });

  it("refuses to start on an address that is taken, in one sentence", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { port: number };
    const opening = openMetricsListener({ ledger: createLedger(), host: "127.0.0.1", port });
    await expect(opening).rejects.toThrow(StartRefused);
    await expect(opening).rejects.toThrow(`cannot listen on 127.0.0.1:${port} for metrics`);
    other.close();
  });

  it("takes its places back from whoever does not read the answer, or asks nothing", async () => {
    const { port, hostname } = new URL(await serve({ help: "Calls. ".repeat(500_000), quietMs: 50 }));
    const idle = Array.from({ length: 16 }, (_, index) => {
      const socket = connect(Number(port), hostname).on("error", () => {});
      if (index % 2 === 0) socket.write("GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n");
      return socket.pause();
    });
    const asked = () => fetch(`http://${hostname}:${port}/metrics`).then((answer) => answer.text());
    for (;;) {
      const text = await asked().catch(() => "");
      if (text.includes("calls_total 4")) break;
    }
    for (const socket of idle) socket.destroy();
  });

  it("waits for nobody who has not finished asking when it ends", async () => {
    const { port, hostname } = new URL(await serve());
    const slow = connect(Number(port), hostname);
    await new Promise<void>((resolve) => slow.write("GET /metrics HTTP/1.1\r\n", () => resolve()));
    await (await fetch(`http://${hostname}:${port}/metrics`)).text();
    const cut = new Promise<void>((resolve) => slow.once("close", () => resolve()).on("error", () => {}));
    await open?.close();
    await cut;
    await expect(fetch(`http://${hostname}:${port}/metrics`)).rejects.toThrow();
  });
});
