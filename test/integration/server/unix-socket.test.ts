// Unix sockets of the real command: whom their files let in, and what is refused.
import { spawn } from "node:child_process";
import { chmod, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runGatehouse } from "./gatehouse-process.ts";
import { type Installation, makeInstallation, visitorOf } from "./installation.ts";

// Group `daemon` of any Unix; who is not root may give a file to a group of his own alone.
const isRoot = process.getuid?.() === 0;
const group = isRoot ? 1 : (process.getgid?.() ?? 0);
const nobody = 65_534;

/** What becomes of a connection by another user of this machine, who is in `gid`. */
function connectAs(gid: number, path: string): Promise<string> {
  const script = `require("net").connect(${JSON.stringify(path)}).on("connect", () => { console.log("in"); process.exit(); }).on("error", (e) => console.log(e.code));`;
  const child = spawn(process.execPath, ["-e", script], { uid: nobody, gid, stdio: ["ignore", "pipe", "inherit"] });
  return new Promise((resolve, reject) => {
    let said = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    child.once("error", reject);
    child.once("close", () => resolve(said.trim()));
  });
}

describe("a Unix socket", () => {
  let installation: Installation;
  let grpc: string;
  let web: string;

  beforeAll(async () => {
    installation = await makeInstallation();
    // So that the files' own modes are what lets in or not.
    await chmod(installation.scratch, 0o755);
    grpc = join(installation.scratch, "grpc.sock");
    web = join(installation.scratch, "web.sock");
  });
  afterAll(() => installation[Symbol.asyncDispose]());

  const listening = () => ({ GATEHOUSE_GRPC_LISTEN: `unix:${grpc}`, GATEHOUSE_WEB_LISTEN: `unix:${web}` });
  const modes = () => Promise.all([grpc, web].map(async (path) => ((await stat(path)).mode & 0o777).toString(8)));

  it("SEC-04 is its owner's alone unless a group is named, on both doors", async () => {
    const server = await installation.start(listening());
    expect(await modes()).toEqual(["600", "600"]);
    const visitor = visitorOf(server);
    expect((await visitor.tokens.getJwks({})).keys.length).toBeGreaterThan(0);
    visitor.close();
    if (isRoot) expect([await connectAs(nobody, grpc), await connectAs(group, web)]).toEqual(["EACCES", "EACCES"]);
    expect(await server.stop()).toMatchObject({ code: 0 });
  });

  it("SEC-04 lets in the group that is named, and nobody else", async () => {
    const shared = { GATEHOUSE_SOCKET_MODE: "0660", GATEHOUSE_SOCKET_GROUP: String(group) };
    const server = await installation.start({ ...listening(), ...shared });
    expect(await modes()).toEqual(["660", "660"]);
    for (const path of [grpc, web]) expect((await stat(path)).gid).toBe(group);
    if (isRoot) {
      for (const path of [grpc, web]) {
        expect(await connectAs(group, path)).toBe("in");
        expect(await connectAs(nobody, path)).toBe("EACCES");
      }
    }
    expect(await server.stop()).toMatchObject({ code: 0 });
  });

  it.each([
    [{ GATEHOUSE_SOCKET_MODE: "0666" }, "GATEHOUSE_SOCKET_MODE is not right"],
    [{ GATEHOUSE_SOCKET_GROUP: "0" }, "GATEHOUSE_SOCKET_MODE lets no group in"],
    [{ GATEHOUSE_SOCKET_MODE: "0660", GATEHOUSE_SOCKET_GROUP: "no-such-group" }, "names no group of this machine"],
  ])("SEC-04 refuses to start with %j", async (wrong, said) => {
    const ended = await runGatehouse({ ...installation.environment, ...listening(), ...wrong });
    expect(ended).toMatchObject({ code: 1, stdout: "" });
    expect(ended.stderr).toContain(said);
  });
});
