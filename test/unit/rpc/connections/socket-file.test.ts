// The file of a Unix socket: nobody but its owner reaches it before it is given to its group.
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { StartRefused } from "../../../../src/kernel/start-refused.ts";
import { admitToSocket, creatingForOwnerAlone } from "../../../../src/rpc/connections/socket-file.ts";

const directory = mkdtempSync(join(tmpdir(), "gatehouse-file-"));
const path = join(directory, "a.sock");
const server = createServer();

afterAll(() => {
  server.close();
  rmSync(directory, { recursive: true });
});

describe("a socket", () => {
  it("is its owner's alone from its first moment on, whatever the process's umask is", () => {
    const before = process.umask(0o000);
    try {
      creatingForOwnerAlone(() => server.listen({ path }));
      // In the same turn: nobody can have connected in between.
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(process.umask()).toBe(0o000);
    } finally {
      process.umask(before);
    }
  });

  it("is given to a group by name or number, and then opened to it", () => {
    admitToSocket(path, { mode: 0o660, group: "root" });
    expect(statSync(path)).toMatchObject({ gid: 0 });
    expect(statSync(path).mode & 0o777).toBe(0o660);
    admitToSocket(path, { mode: 0o600, group: "0" });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("refuses the start when there is no such group, and stays its owner's alone", () => {
    expect(() => admitToSocket(path, { mode: 0o660, group: "no-such-group" })).toThrow(StartRefused);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});
