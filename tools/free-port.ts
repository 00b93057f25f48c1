// A port for a server that has to be told one before it starts.
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** Below those that the system gives to whoever connects: one of these would be taken again before the server that it is for, or one that starts again, has it. */
const firstPort = 10_000;
const endOfPorts = 32_000;

/** Of whoever else picks, a moment ago or just now, it may be one in twenty thousand. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(firstPort, endOfPorts);
    const server = createServer();
    server.listen(port, "127.0.0.1");
    const free = await once(server, "listening").then(
      () => true,
      () => false,
    );
    if (!free) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}
