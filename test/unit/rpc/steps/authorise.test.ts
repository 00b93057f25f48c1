// The one rule of access, through the real contracts: a grant, minus any deny, narrowed by scopes, and nothing by its spelling.
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { SessionService } from "@gatehouse/proto/gatehouse/auth/v1/session_service_pb.js";
import { SecretsService } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatId } from "../../../../src/kernel/ids.ts";
import type { Grant } from "../../../../src/kernel/principal.ts";
import { bearing, callThrough, createFakeChain, incomingOf, noon } from "../../../fakes/chain.ts";
import { alice, allow, bob, deny, principalOf } from "../../../fakes/principal.ts";
import { readStatus } from "../../../fakes/status.ts";

const { getSecret, listSecrets, putSecret } = SecretsService.method;
const { listSessions } = SessionService.method;

function chainFor(grants: readonly Grant[], scopes: readonly string[] = ["*"]) {
  return createFakeChain({ tokens: { t: principalOf({ grants, scopes }) } });
}

type Called = Parameters<typeof callThrough>;

async function verdict(chain: ReturnType<typeof chainFor>, method: Called[1], request: Called[2]): Promise<string> {
  const reply = await callThrough(chain, method, request, incomingOf({ metadata: bearing("t") }));
  return "answer" in reply ? "OK" : (readStatus(reply.failure.status).info?.reason ?? "no reason");
}

const read = (path: string, grants: readonly Grant[], scopes?: readonly string[]) =>
  verdict(chainFor(grants, scopes), getSecret, { path });

describe("a permission on a resource", () => {
  it("AZ-01 is denied to whoever holds nothing", async () => {
    expect(await read("team-a/db", [])).toBe("PERMISSION_DENIED");
  });

  it.each([
    ["the resource itself", "secrets/team-a/db"],
    ["what lies above it", "secrets/team-a"],
    ["the whole type", "secrets"],
    ["everything", ""],
  ])("is given by a grant on %s", async (_what, resource) => {
    expect(await read("team-a/db", [allow("secrets.read", resource)])).toBe("OK");
    expect(await read("team-a/db", [allow("*", resource)])).toBe("OK");
  });

  it.each([
    ["a neighbour", "secrets/team-b"],
    ["what lies below it", "secrets/team-a/db/inner"],
    ["a longer name that begins alike", "secrets/team-a/db2"],
    ["a shorter name that begins alike", "secrets/team-a/d"],
    ["half a segment", "secrets/team"],
    ["another type", "tokens/team-a/db"],
    ["the type spelt otherwise", "Secrets/team-a/db"],
    ["a pattern", "secrets/*"],
    ["a pattern", "*"],
    ["a slash behind", "secrets/team-a/"],
    ["a slash alone", "/"],
  ])("AZ-06 is not given by a grant on %s: %s", async (_what, resource) => {
    expect(await read("team-a/db", [allow("*", resource)])).toBe("PERMISSION_DENIED");
  });

  it.each(["secrets.list", "secrets.rea", "secrets.read2", "secrets", "secrets.*", "read", ""])(
    "AZ-06 is not given by a grant of %j",
    async (permission) => {
      expect(await read("team-a/db", [allow(permission, "")])).toBe("PERMISSION_DENIED");
    },
  );

  it("dies with the grant at the instant of its expiry", async () => {
    const at = noon.getTime();
    expect(await read("a", [allow("secrets.read", "", at + 1)])).toBe("OK");
    expect(await read("a", [allow("secrets.read", "", at)])).toBe("PERMISSION_DENIED");
    expect(await read("a", [allow("secrets.read", "", at - 1)])).toBe("PERMISSION_DENIED");
    expect(await read("a", [allow("secrets.read", ""), deny("secrets.read", "", at)])).toBe("OK");
  });
});

describe("a path that plays tricks", () => {
  const grants = [allow("*", "secrets/team-a")];

  it.each([
    "team-a/../team-b/db",
    "team-a/./db",
    "team-a/..",
    "team-a//db",
    "team-a/",
    "team-a/db/",
    "team-a/\u0000",
    "team-a/db\n",
    "team-a/%2e%2e/team-b",
    "team-a/\\..\\team-b",
  ])("AZ-06 within a granted prefix is no path: %j", async (path) => {
    expect(await read(path, grants)).toBe("REQUEST_INVALID");
  });

  it.each([
    "team-a／db",
    "team-a\u2215db",
    "team-a%2fdb",
    "Team-a/db",
    "team-ａ/db",
    "/team-a/db",
    "./team-a/db",
    "../secrets/team-a",
    "team-a\u0000/db",
    " team-a/db",
    "team-b/../team-a",
    "",
  ])("AZ-06 outside of it is denied before anything is said about its form: %j", async (path) => {
    expect(await read(path, grants)).toBe("PERMISSION_DENIED");
  });
});

const segment = fc.constantFrom("a", "b", "aa", "a-b");
const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
const prefix = fc.oneof(
  fc.constant(""),
  fc.constant("secrets"),
  path.map((p) => `secrets/${p}`),
);
const grant = fc.record({
  permission: fc.constantFrom("*", "secrets.read", "secrets.list"),
  resource: prefix,
  effect: fc.constantFrom("allow", "deny"),
  ends: fc.constantFrom(undefined, -1, 1),
});

/** The rule in other words: segments, not characters. */
function mayRead(grants: readonly Grant[], target: string): boolean {
  const wanted = ["secrets", ...target.split("/")];
  const concerning = grants.filter(({ permissions, resource, expiresAt }) => {
    const has = resource === "" ? [] : resource.split("/");
    const live = expiresAt === undefined || expiresAt > noon.getTime();
    return (
      live && (permissions.has("*") || permissions.has("secrets.read")) && has.every((part, i) => part === wanted[i])
    );
  });
  return concerning.some(({ effect }) => effect === "allow") && !concerning.some(({ effect }) => effect === "deny");
}

describe("the rule", () => {
  it("AZ-06 decides by whole segments, deny wins, dead grants do nothing, and the order of grants does not matter", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(grant, { maxLength: 5 }), path, async (sketches, target) => {
        const grants = sketches.map(({ permission, resource, effect, ends }) =>
          (effect === "allow" ? allow : deny)(permission, resource, ends === undefined ? ends : noon.getTime() + ends),
        );
        const expected = mayRead(grants, target) ? "OK" : "PERMISSION_DENIED";
        expect(await read(target, grants)).toBe(expected);
        expect(await read(target, grants.toReversed())).toBe(expected);
      }),
      { numRuns: 150 },
    );
  });

  it("scopes only ever narrow: no set of scopes gives what grants do not", async () => {
    const scope = fc.constantFrom("*", "secrets.read", "secrets.list", "secrets", "secrets.*", "");
    await fc.assert(
      fc.asyncProperty(
        fc.array(grant, { maxLength: 3 }),
        fc.array(scope, { maxLength: 3 }),
        path,
        async (sketches, scopes, target) => {
          const grants = sketches.map((g) => (g.effect === "allow" ? allow : deny)(g.permission, g.resource));
          const narrowed = await read(target, grants, scopes);
          if (!mayRead(grants, target)) expect(narrowed).toBe("PERMISSION_DENIED");
          else expect(narrowed).toBe(scopes.includes("*") || scopes.includes("secrets.read") ? "OK" : "SCOPE_MISSING");
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe("what a refusal says", () => {
  it("RPC-01 names the permission, not the resource, and is the same for what exists and what does not", async () => {
    const chain = chainFor([]);
    const reply = await callThrough(chain, getSecret, { path: "team-a/db" }, incomingOf({ metadata: bearing("t") }));
    if ("answer" in reply) throw new Error("the call was let in");
    const { info, message } = readStatus(reply.failure.status);
    expect(info?.metadata.permission).toBe("secrets.read");
    expect(JSON.stringify({ message, metadata: info?.metadata })).not.toContain("team-a");
    expect(chain.recorder.drafts).toMatchObject([{ reason: "PERMISSION_DENIED", actor: { id: alice } }]);
  });

  it("is about the permission before it is about the request (AIP-211)", async () => {
    expect(await verdict(chainFor([]), putSecret, { path: "../..", requestId: "no uuid" })).toBe("PERMISSION_DENIED");
  });
});

describe("a method about oneself", () => {
  const self = formatId("principal", alice);
  const other = formatId("principal", bob);
  const sessionsOf = (principalId: string, grants: readonly Grant[] = [], scopes?: readonly string[]) =>
    verdict(chainFor(grants, scopes), listSessions, { principalId });

  it("needs no grant, whether one names oneself or nobody", async () => {
    expect(await sessionsOf("")).toBe("OK");
    expect(await sessionsOf(self)).toBe("OK");
  });

  it("AZ-02 about anybody else needs the permission on them", async () => {
    expect(await sessionsOf(other)).toBe("PERMISSION_DENIED");
    expect(await sessionsOf(other, [allow("sessions.list", `principals/${other}`)])).toBe("OK");
    expect(await sessionsOf(other, [allow("sessions.list", "principals")])).toBe("OK");
    expect(await sessionsOf(other, [allow("sessions.list", `principals/${self}`)])).toBe("PERMISSION_DENIED");
  });

  it.each([self.toUpperCase(), ` ${self}`, `${self}/`, alice, "prn_", "self", "me"])(
    "AZ-02 is not about oneself for a name that only looks like one's own: %j",
    async (principalId) => {
      expect(await sessionsOf(principalId)).toBe("PERMISSION_DENIED");
    },
  );

  it("is narrowed by scopes all the same, and a deny does not take one's own from one", async () => {
    expect(await sessionsOf("", [], ["secrets.read"])).toBe("SCOPE_MISSING");
    expect(await sessionsOf(self, [], ["sessions.list"])).toBe("OK");
    expect(await sessionsOf(self, [deny("sessions.list", "principals")])).toBe("OK");
  });
});

describe("a listing", () => {
  const list = (parent: string, grants: readonly Grant[], scopes?: readonly string[]) =>
    verdict(chainFor(grants, scopes), listSecrets, { parent });

  it("is open to whoever may see something at or below the parent", async () => {
    expect(await list("", [allow("secrets.list", "secrets/team-a/db")])).toBe("OK");
    expect(await list("team-a", [allow("secrets.list", "secrets/team-a/db")])).toBe("OK");
    expect(await list("team-a", [allow("secrets.list", "secrets")])).toBe("OK");
  });

  it("AZ-02 is closed to whoever may see nothing there", async () => {
    expect(await list("", [])).toBe("PERMISSION_DENIED");
    expect(await list("team-b", [allow("secrets.list", "secrets/team-a")])).toBe("PERMISSION_DENIED");
    expect(await list("team", [allow("secrets.list", "secrets/team-a")])).toBe("PERMISSION_DENIED");
    expect(await list("team-a", [allow("secrets.list", "secrets/team")])).toBe("PERMISSION_DENIED");
    expect(await list("team-a", [allow("secrets.read", "secrets/team-a")])).toBe("PERMISSION_DENIED");
  });

  it("AZ-02 is closed when a deny covers the whole parent, and when scopes take it away", async () => {
    const grants = [allow("secrets.list", "secrets")];
    expect(await list("team-a", [...grants, deny("secrets.list", "secrets/team-a")])).toBe("PERMISSION_DENIED");
    expect(await list("team-a", [...grants, deny("*", "")])).toBe("PERMISSION_DENIED");
    expect(await list("team-a", grants, ["secrets.read"])).toBe("SCOPE_MISSING");
    expect(await list("", [...grants, deny("secrets.list", "secrets/team-a")])).toBe("OK");
  });
});

describe("a method about the caller alone", () => {
  it("needs a live principal and nothing else", async () => {
    expect(await verdict(chainFor([deny("*", "")], ["nothing"]), AuthService.method.whoAmI, {})).toBe("OK");
  });
});
