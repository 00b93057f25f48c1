// nginx in front of both doors, from a configuration of the test's own, as an ordinary user and in the foreground.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

/** Where nginx calls from: an address of this machine that nobody else uses. */
export const proxyAddress = "127.0.0.3";

export interface NginxProxy {
  readonly grpcAddress: string;
  readonly webAddress: string;
  stop(): Promise<void>;
}

function nginxPath(): string {
  const places = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"];
  const found = places.map((place) => join(place, "nginx")).find((path) => existsSync(path));
  if (found === undefined) throw new Error("nginx is needed: apt-get install nginx");
  return found;
}

interface Heard {
  readonly server: Server;
  readonly port: number;
  /** Of the listening socket. */
  readonly fd: number;
}

/** nginx takes over a socket that listens already, as from its own predecessor: a port that is looked for and let go is anybody's. */
async function listen(): Promise<Heard> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { _handle: handle } = server as unknown as { readonly _handle: { readonly fd: number } };
  return { server, port: (server.address() as AddressInfo).port, fd: handle.fd };
}

const configuration = (directory: string, ports: readonly [number, number], grpc: string, web: string): string => `
daemon off;
# Alone, without a worker, it crashes over sockets that it takes over.
worker_processes 1;
${process.getuid?.() === 0 ? "user root;" : ""}
pid ${directory}/pid;
error_log stderr warn;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  server {
    listen 127.0.0.1:${ports[0]} http2;
    location / {
      grpc_bind ${proxyAddress};
      grpc_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      grpc_pass grpc://${grpc};
    }
  }
  server {
    listen 127.0.0.1:${ports[1]};
    location / {
      proxy_bind ${proxyAddress};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_pass ${web};
    }
  }
}
`;

/** That somebody listens says nothing of nginx, which has yet to take over. */
async function answers(url: string, over: () => boolean): Promise<void> {
  while (!over()) {
    const answered = await fetch(url).then(
      (answer) => answer.text().then(() => true),
      () => false,
    );
    if (answered) return;
  }
}

export async function startNginx(doors: { readonly grpc: string; readonly web: string }): Promise<NginxProxy> {
  const directory = mkdtempSync(join(tmpdir(), "gatehouse-nginx-"));
  const [first, second] = [await listen(), await listen()];
  writeFileSync(
    join(directory, "nginx.conf"),
    configuration(directory, [first.port, second.port], doors.grpc, doors.web),
  );
  const nginx = spawn(nginxPath(), ["-p", directory, "-c", join(directory, "nginx.conf")], {
    stdio: ["ignore", "ignore", "pipe", first.fd, second.fd],
    env: { ...process.env, NGINX: "3;4;" },
  });
  for (const { server } of [first, second]) server.close();
  let said = "";
  nginx.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const ended = once(nginx, "close");
  const over = () => nginx.exitCode !== null || nginx.signalCode !== null;
  const webAddress = `http://127.0.0.1:${second.port}`;
  await answers(webAddress, over);
  if (over()) throw new Error(`nginx did not start: ${said}`);
  return {
    grpcAddress: `127.0.0.1:${first.port}`,
    webAddress,
    async stop() {
      nginx.kill("SIGTERM");
      await ended;
      rmSync(directory, { recursive: true });
    },
  };
}
