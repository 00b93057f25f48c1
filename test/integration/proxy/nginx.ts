// nginx in front of both doors, from a configuration of the test's own, as an ordinary user and in the foreground.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { freePort } from "../../../tools/free-port.ts";

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

const configuration = (directory: string, ports: readonly [number, number], grpc: string, web: string): string => `
daemon off;
master_process off;
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

async function answers(port: number, over: () => boolean): Promise<void> {
  while (!over()) {
    const socket = connect(port, "127.0.0.1");
    const open = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await new Promise(setImmediate);
  }
}

export async function startNginx(doors: { readonly grpc: string; readonly web: string }): Promise<NginxProxy> {
  const directory = mkdtempSync(join(tmpdir(), "gatehouse-nginx-"));
  const ports = [await freePort(), await freePort()] as const;
  writeFileSync(join(directory, "nginx.conf"), configuration(directory, ports, doors.grpc, doors.web));
  const nginx = spawn(nginxPath(), ["-p", directory, "-c", join(directory, "nginx.conf")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  nginx.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const ended = once(nginx, "close");
  await Promise.all(ports.map((port) => answers(port, () => nginx.exitCode !== null)));
  if (nginx.exitCode !== null) throw new Error(`nginx did not start: ${said}`);
  return {
    grpcAddress: `127.0.0.1:${ports[0]}`,
    webAddress: `http://127.0.0.1:${ports[1]}`,
    async stop() {
      nginx.kill("SIGTERM");
      await ended;
      rmSync(directory, { recursive: true });
    },
  };
}
