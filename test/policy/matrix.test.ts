// Every method of every service against every kind of caller, through the real chain. The verdict follows from the access that
// the contract states, so a method that is added is judged without a line here, but for a valid request of it.
import { create, type DescMethod } from "@bufbuild/protobuf";
import { Access } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";
import { describe, expect, it } from "vitest";
import { resourceOf } from "../../src/rpc/steps/authorise.ts";
import { bearing, callThrough, createFakeChain, incomingOf, noon } from "../fakes/chain.ts";
import { allow, bob, deny, principalOf } from "../fakes/principal.ts";
import { ownServices } from "../fakes/scripted-services.ts";
import { readStatus } from "../fakes/status.ts";
import { caller, validRequests } from "./requests.ts";

const kinds = [
  "anonymous",
  "expired token",
  "revoked token",
  "token for another audience",
  "no grant",
  "grant elsewhere",
  "grant of another permission",
  "expired grant",
  "wrong scope",
  "right grant",
  "administrator",
  "denied",
  "denied administrator",
] as const;
type Kind = (typeof kinds)[number];

const unauthenticated: readonly Kind[] = ["anonymous", "expired token", "revoked token", "token for another audience"];

function authenticationVerdict(kind: Kind): string {
  return kind === "anonymous" ? "CREDENTIAL_MISSING" : "CREDENTIAL_INVALID";
}

/** What the rule of access says, in other words than the code that applies it. */
function expected(access: Access, kind: Kind): string {
  if (access === Access.PUBLIC) return "OK";
  if (unauthenticated.includes(kind)) return authenticationVerdict(kind);
  // Whose it is, and so whether the permission is needed, only the handler can know.
  if (access === Access.AUTHENTICATED || access === Access.OWNER) return "OK";
  if (kind === "right grant" || kind === "administrator") return "OK";
  return kind === "wrong scope" ? "SCOPE_MISSING" : "PERMISSION_DENIED";
}

function requestOf(method: DescMethod): object {
  const request = validRequests[`${method.parent.name}/${method.name}`];
  if (request === undefined) throw new Error(`test/policy/requests.ts has no valid request of ${method.name}`);
  return request;
}

const { table } = createFakeChain();

function entryOf(method: DescMethod) {
  const entry = table.get(`/${method.parent.typeName}/${method.name}`);
  if (entry === undefined) throw new Error(`${method.name} is not served`);
  return entry;
}

function tokensFor(method: DescMethod) {
  const entry = entryOf(method);
  const permission = entry.permission || "some.permission";
  const resource = resourceOf({ entry, request: create(method.input, requestOf(method) as never) });
  const grants = [allow(permission, resource)];
  const all = [allow("*", "")];
  const by = (options: Parameters<typeof principalOf>[0]) => principalOf({ id: caller, ...options });
  return {
    "expired token": "TOKEN_EXPIRED",
    "revoked token": "TOKEN_REVOKED",
    "token for another audience": "TOKEN_WRONG_AUDIENCE",
    "no grant": by({}),
    "grant elsewhere": by({ grants: [allow(permission, "elsewhere"), allow(permission, `${resource}x`)] }),
    "grant of another permission": by({ grants: [allow(`${permission}.more`, resource), allow("other", "")] }),
    "expired grant": by({ grants: [allow(permission, resource, noon.getTime())] }),
    "wrong scope": by({ grants, scopes: ["another.permission"] }),
    "right grant": by({ grants, scopes: [permission] }),
    administrator: by({ grants: all }),
    denied: by({ grants: [...grants, deny(permission, resource)] }),
    "denied administrator": by({ grants: [...all, deny("*", resource)] }),
  } as const;
}

/** The verdict, whether the handler was reached, and as whom. */
async function judge(method: DescMethod, kind: Kind, request = requestOf(method)) {
  const reachedAs: (string | undefined)[] = [];
  const known = tokensFor(method);
  const name = `${method.parent.name}/${method.name}`;
  const chain = createFakeChain({
    tokens: Object.fromEntries(Object.entries(known).map(([key, value]) => [key.replaceAll(" ", "-"), value])),
    script: {
      [name]: async (_request, { principal }) => {
        reachedAs.push(principal?.id);
        return {};
      },
    },
  });
  const metadata = kind === "anonymous" ? {} : bearing(kind.replaceAll(" ", "-"));
  const reply = await callThrough(chain, method, request as never, incomingOf({ metadata }));
  const verdict = "answer" in reply ? "OK" : (readStatus(reply.failure.status).info?.reason ?? "no reason");
  return { verdict, reachedAs, drafts: chain.recorder.drafts };
}

const methods = ownServices.flatMap((service) => service.methods);

describe("the matrix of access", () => {
  it.each(methods.map((method) => [`${method.parent.typeName}/${method.name}`, method] as const))(
    "AZ-02 %s",
    async (_name, method) => {
      const { access } = entryOf(method);
      for (const kind of kinds) {
        const { verdict, reachedAs } = await judge(method, kind);
        expect({ kind, verdict }).toEqual({ kind, verdict: expected(access, kind) });
        const as = access === Access.PUBLIC ? undefined : caller;
        expect({ kind, reachedAs }).toEqual({ kind, reachedAs: verdict === "OK" ? [as] : [] });
      }
    },
  );

  it("AZ-02 has a valid request for every method, and for no other", () => {
    expect(Object.keys(validRequests).toSorted()).toEqual(
      methods.map((method) => `${method.parent.name}/${method.name}`).toSorted(),
    );
  });

  it("AUD-01 leaves a record of every refusal, with the reason that the caller is not told", async () => {
    for (const method of methods.filter((one) => entryOf(one).access !== Access.PUBLIC)) {
      const { drafts } = await judge(method, "expired token");
      expect(drafts).toMatchObject([{ reason: "TOKEN_EXPIRED", category: "POLICY_DENIED", outcome: "FAILURE" }]);
    }
  });
});

describe("methods about a person", () => {
  const self = methods.filter((method) => entryOf(method).access === Access.SELF);

  it.each(self.map((method) => [method.name, method] as const))(
    "AZ-02 %s is open to that person without any grant, and closed to a token that is narrowed away from it",
    async (_name, method) => {
      const field = entryOf(method).resourceField.replaceAll(/_([a-z])/g, (_match, letter: string) =>
        letter.toUpperCase(),
      );
      for (const own of ["", `prn_${caller}`]) {
        const request = { ...requestOf(method), [field]: own };
        expect((await judge(method, "no grant", request)).verdict).toBe("OK");
        expect((await judge(method, "wrong scope", request)).verdict).toBe("SCOPE_MISSING");
        expect((await judge(method, "expired token", request)).verdict).toBe("CREDENTIAL_INVALID");
      }
      expect((await judge(method, "no grant", { ...requestOf(method), [field]: `prn_${bob}` })).verdict).toBe(
        "PERMISSION_DENIED",
      );
    },
  );

  it("are there at all", () => {
    expect(self.length).toBeGreaterThan(2);
  });
});
