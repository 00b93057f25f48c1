// docs/events.md is the catalogue: what is recorded stands there, and what stands there is recorded.
import { readdirSync, readFileSync } from "node:fs";
import { getOption, hasOption } from "@bufbuild/protobuf";
import { policy } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";
import { describe, expect, it } from "vitest";
import { isReservedSource } from "../../../src/audit/domain/event-names.ts";
import { ownServices } from "../../fakes/scripted-services.ts";

const root = new URL("../../../", import.meta.url);
const page = readFileSync(new URL("docs/events.md", root), "utf8");
const documented = new Set([...page.matchAll(/`([a-z]+\.[a-z_]+)`/g)].map(([, name]) => name ?? ""));

function namedByContracts(): readonly string[] {
  const methods = ownServices.flatMap((service) => service.methods).filter((method) => hasOption(method, policy));
  return methods.map((method) => getOption(method, policy).auditEvent).filter((name) => name !== "");
}

/** Names that the source gives to an event, as `event: "..."` or `event = "..."`, conditions included. */
function namedBySource(): readonly string[] {
  const files = readdirSync(new URL("src", root), { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(".ts"),
  );
  return files.flatMap((path) => {
    const text = readFileSync(new URL(`src/${path}`, root), "utf8");
    const given = [...text.matchAll(/\bevent(?::| =)([^;,}]*)[;,}]/g)].map(([, expression]) => expression ?? "");
    return given.flatMap((expression) =>
      [...expression.matchAll(/"([a-z]+\.[a-z_]+)"/g)].map(([, name]) => name ?? ""),
    );
  });
}

describe("the event catalogue", () => {
  it("P-12 AUD-07 holds every event that a method or the source names", () => {
    const named = [...namedByContracts(), ...namedBySource()];
    expect(named.length).toBeGreaterThan(20);
    expect([...new Set(named)].filter((name) => !documented.has(name))).toEqual([]);
  });

  it("P-12 AUD-07 holds no event that nobody records", () => {
    const named = new Set([...namedByContracts(), ...namedBySource()]);
    expect([...documented].filter((name) => !named.has(name))).toEqual([]);
  });

  it("P-12 AUD-07 covers logins, logouts, tokens and their reuse, sessions, grants, people, secrets, keys and the trail itself", () => {
    const asked = [
      ["authn.login", "authn.logout", "authn.token_reuse"],
      ["token.refreshed", "token.revoked", "session.revoked"],
      ["authz.grant_created", "authz.grant_deleted", "user.created", "user.bootstrap", "invitation.created"],
      ["secret.written", "secret.read", "secret.deleted", "secret.undeleted", "secret.destroyed"],
      ["key.created", "audit.queried"],
    ].flat();
    const named = new Set([...namedByContracts(), ...namedBySource()]);
    expect(asked.filter((name) => !named.has(name))).toEqual([]);
  });

  it("AUD-10 shares no first segment with what an application may append", () => {
    const open = [...documented].filter((name) => !isReservedSource(name.slice(0, name.indexOf("."))));
    expect(open).toEqual([]);
  });
});
