// How far the threads of passwords stand back in the real process, which nothing but their niceness tells.
import { afterAll, describe, expect, it } from "vitest";
import { threadNiceness } from "../../fixtures/threads.ts";
import { bootstrap, makeInstallation, visitorOf } from "./installation.ts";

const installation = await makeInstallation();
afterAll(() => installation[Symbol.asyncDispose]());

describe("the threads of passwords", () => {
  it("PWD-20 stand back as far as GATEHOUSE_LOGIN_NICENESS says, and no other thread does", async () => {
    const server = await installation.start({ GATEHOUSE_LOGIN_NICENESS: "13" });
    const before = new Set(threadNiceness(server.pid));
    const visitor = visitorOf(server);
    await bootstrap(installation.dataDir, visitor);
    const ofPasswords = threadNiceness(server.pid).filter((niceness) => !before.has(niceness));
    // One hashes, half of the cores at most; one judges.
    expect([before.has(13), new Set(ofPasswords)]).toEqual([false, new Set([13])]);
    expect(ofPasswords.length).toBeGreaterThanOrEqual(2);
    visitor.close();
  });
});
