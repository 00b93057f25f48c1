// A proxy that is not ours in front of both doors: the story works through it, and its word on who called is believed
// from it alone.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createGatehouse, type Gatehouse, isReason } from "../../../clients/typescript/src/index.ts";
import { createGatehouse as createWebGatehouse } from "../../../clients/typescript/src/web.ts";
import type { GatehouseProcess } from "../server/gatehouse-process.ts";
import {
  administratorAccount,
  bootstrap,
  type Installation,
  makeInstallation,
  patient,
  visitorOf,
} from "../server/installation.ts";
import { type NginxProxy, proxyAddress, startNginx } from "./nginx.ts";

let installation: Installation;
let gatehouse: GatehouseProcess;
let proxy: NginxProxy;
let accessToken: string;

beforeAll(async () => {
  installation = await makeInstallation({ GATEHOUSE_TRUSTED_PROXIES: `${proxyAddress}/32` });
  gatehouse = await installation.start();
  proxy = await startNginx({ grpc: gatehouse.address, web: gatehouse.webAddress });
  ({
    tokens: { accessToken },
  } = await bootstrap(installation.dataDir, visitorOf(gatehouse)));
}, 60_000);

afterAll(async () => {
  await proxy?.stop();
  await installation?.[Symbol.asyncDispose]();
});

type Way = readonly [string, (options: { credentials?: string }) => Gatehouse];

const ways: readonly Way[] = [
  ["gRPC", (options) => createGatehouse({ address: proxy.grpcAddress, ...patient, ...options })],
  ["Connect", (options) => createWebGatehouse({ baseUrl: proxy.webAddress, ...patient, ...options })],
  [
    "gRPC-Web",
    (options) => createWebGatehouse({ baseUrl: proxy.webAddress, protocol: "grpc-web", ...patient, ...options }),
  ],
];

/** Logs in with a header that claims another address, and answers the address that was written down. */
async function addressSeen(client: Gatehouse, device: string): Promise<string | undefined> {
  const headers = { "x-forwarded-for": "203.0.113.9", forwarded: "for=203.0.113.9" };
  await client.auth.login({ ...administratorAccount, deviceName: device }, { headers });
  await using asking = createGatehouse({ address: gatehouse.address, credentials: accessToken, ...patient });
  const { sessions } = await asking.sessions.listSessions({});
  return sessions.find(({ deviceName }) => deviceName === device)?.address;
}

describe.each(ways)("%s through nginx", (name, open) => {
  it("tells the same story", async () => {
    await using client = open({ credentials: accessToken });
    const path = `proxied/${name}`;
    await client.secrets.putSecret({ path, value: Buffer.from("s3cr3t") });
    expect(Buffer.from((await client.secrets.getSecret({ path })).value).toString()).toBe("s3cr3t");
    const missing = await client.secrets.getSecret({ path: "proxied/none" }).catch((error: unknown) => error);
    expect(isReason(missing, "SECRET_NOT_FOUND")).toBe(true);
  });

  it("T-10 PWD-13 shows the caller's own address, whatever the caller claims", async () => {
    await using client = open({});
    expect(await addressSeen(client, `through nginx by ${name}`)).toBe("127.0.0.1");
  });
});

describe("without a proxy", () => {
  it("T-10 forwarding headers change nothing", async () => {
    await using direct = createGatehouse({ address: gatehouse.address, ...patient });
    await using web = createWebGatehouse({ baseUrl: gatehouse.webAddress, ...patient });
    expect(await addressSeen(direct, "directly")).toBe("127.0.0.1");
    expect(await addressSeen(web, "directly over the web")).toBe("127.0.0.1");
  });
});
