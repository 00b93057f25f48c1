// Listing shows what the one rule of access allows, and nothing else, whatever the tree and the grants.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Grant, granted, type Principal } from "../../../src/kernel/principal.ts";
import { allow, deny } from "../../fakes/principal.ts";
import { openSecretsWorld, type SecretsWorld } from "./secrets-world.ts";

let world: SecretsWorld;
let owner: Principal;

beforeAll(async () => {
  world = await openSecretsWorld();
  owner = await world.principal();
});
afterAll(() => world.close());

async function plant(paths: readonly string[]): Promise<void> {
  await world.database.asOwner("delete from secret_version");
  await world.database.asOwner("delete from secret");
  await world.database.asOwner(
    `insert into secret (id, path, current_version, created_at, updated_at)
     select gen_random_uuid(), path, 1, '2026-01-01Z', '2026-01-01Z' from unnest($1::text[]) as given (path)`,
    [paths],
  );
}

function withGrants(grants: readonly Grant[], scopes: readonly string[] = ["*"]): Principal {
  return { ...owner, scopes: new Set(scopes), standing: { ...owner.standing, grants } };
}

/** Every page, and that none is larger than asked. */
async function listAll(who: Principal, parent: string, pageSize: number): Promise<string[]> {
  const found: string[] = [];
  let pageToken = "";
  do {
    const page = await world.list(who, { parent, pageSize, pageToken });
    expect(page.secrets.length).toBeLessThanOrEqual(pageSize);
    found.push(...page.secrets.map(({ path }) => path));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return found;
}

// Few, nasty segments: prefixes of each other, and with the characters that sort around the slash.
const segment = fc.constantFrom("a", "b", "ab", "a-b", "a.b", "a_b", "A", "0", "a0");
const path = fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => segments.join("/"));
const resource = fc.oneof(
  fc.constant(""),
  fc.constant("secrets"),
  fc.constant("secret"),
  fc.constant("audit"),
  path.map((text) => `secrets/${text}`),
);
const grant = fc
  .record({
    resource,
    effect: fc.constantFrom("allow" as const, "allow" as const, "deny" as const),
    permission: fc.constantFrom("secrets.list", "secrets.list", "secrets.read", "*"),
    expired: fc.boolean(),
  })
  .map(({ resource: prefix, effect, permission, expired }) =>
    (effect === "allow" ? allow : deny)(permission, prefix, expired && permission === "*" ? 1 : undefined),
  );

describe("ListSecrets", () => {
  it("AZ-02 GHSA-xp3c-3jw3-4vcr shows exactly what is granted and not denied, over random trees and grants", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(path, { minLength: 1, maxLength: 25 }),
        fc.array(grant, { maxLength: 5 }),
        fc.oneof(fc.constant(""), path),
        fc.integer({ min: 1, max: 7 }),
        async (paths, grants, parent, pageSize) => {
          await plant(paths);
          const below = paths.filter((one) => parent === "" || one === parent || one.startsWith(`${parent}/`));
          const expected = below.filter((one) => granted(grants, "secrets.list", `secrets/${one}`, Date.now()));
          const byBytes = expected.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
          expect(await listAll(withGrants(grants), parent, pageSize)).toEqual(byBytes);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("AZ-08 gives 50 for 0, 500 at most, and every secret once while pages are turned", async () => {
    const paths = Array.from({ length: 620 }, (_, index) => `many/s${String(index).padStart(4, "0")}`);
    await plant(paths);
    const who = withGrants([allow("secrets.list", "secrets")]);
    expect((await world.list(who, {})).secrets).toHaveLength(50);
    expect((await world.list(who, { pageSize: 2_147_483_647 })).secrets).toHaveLength(500);
    expect(await listAll(who, "", 77)).toEqual(paths);
    const exact = await world.list(who, { parent: "many", pageSize: 500 });
    const rest = await world.list(who, { parent: "many", pageSize: 500, pageToken: exact.nextPageToken });
    expect([rest.secrets.length, rest.nextPageToken]).toEqual([120, ""]);
  });

  it("AZ-08 takes no page token of another listing, another caller, another method, another day, or its own making", async () => {
    await plant(Array.from({ length: 5 }, (_, index) => `team/s${index}`));
    const who = withGrants([allow("secrets.list", "secrets")]);
    const now = new Date();
    const { nextPageToken } = await world.list(who, { parent: "team", pageSize: 2 }, { now });
    const refused = { reason: "PAGE_TOKEN_INVALID", code: 3 };
    const other = { ...who, id: (await world.principal()).id };
    const flipped = `${nextPageToken.slice(0, -2)}${nextPageToken.endsWith("AA") ? "BB" : "AA"}`;
    await expect(world.list(who, { parent: "", pageToken: nextPageToken })).rejects.toMatchObject(refused);
    await expect(world.list(other, { parent: "team", pageToken: nextPageToken })).rejects.toMatchObject(refused);
    await expect(world.versions(who, { path: "team", pageToken: nextPageToken })).rejects.toMatchObject(refused);
    await expect(
      world.list(who, { parent: "team", pageToken: nextPageToken }, { now: new Date(now.getTime() + 3_600_000) }),
    ).rejects.toMatchObject(refused);
    for (const forged of [
      flipped,
      "team/s1",
      nextPageToken.slice(1),
      `${nextPageToken}A`,
      "\0",
      "%00",
      "=".repeat(1024),
    ]) {
      await expect(world.list(who, { parent: "team", pageToken: forged })).rejects.toMatchObject(refused);
    }
    await expect(world.list(who, { parent: "team", pageToken: nextPageToken, pageSize: 1 })).resolves.toMatchObject({
      secrets: [{ path: "team/s2" }],
    });
  });

  it("AZ-08 a page token keeps nothing open: rights are those of the moment", async () => {
    await plant(Array.from({ length: 5 }, (_, index) => `team/s${index}`));
    const { nextPageToken } = await world.list(withGrants([allow("secrets.list", "secrets")]), { pageSize: 2 });
    const after = await world.list(
      withGrants([allow("secrets.list", "secrets"), deny("secrets.list", "secrets/team/s3")]),
      { pageToken: nextPageToken },
    );
    expect(after.secrets.map(({ path: shown }) => shown)).toEqual(["team/s2", "team/s4"]);
  });

  it("AZ-02 shows nothing to a token whose scopes leave listing out", async () => {
    await plant(["team/s1"]);
    const grants = [allow("secrets.list", "secrets")];
    expect((await world.list(withGrants(grants, ["secrets.read"]), {})).secrets).toEqual([]);
    expect((await world.list(withGrants(grants, ["secrets.list"]), {})).secrets).toHaveLength(1);
  });

  it("T-10 P-04 takes injected text for text", async () => {
    const hostile = ["'; drop table secret; --", "a' or '1'='1", "%", "_", "a\\", "\u202e", "$1", "a/../b", "*"];
    await plant(["a/b", "a", "b"]);
    const who = withGrants([allow("secrets.list", "")]);
    for (const text of hostile) {
      expect((await world.list(who, { parent: text })).secrets).toEqual([]);
      await expect(world.get(who, text)).rejects.toMatchObject({ reason: "SECRET_NOT_FOUND" });
      await expect(world.versions(who, { path: text })).rejects.toMatchObject({ reason: "SECRET_NOT_FOUND" });
    }
    expect((await world.list(who, {})).secrets.map(({ path: shown }) => shown)).toEqual(["a", "a/b", "b"]);
  });
});

describe("ListSecretVersions", () => {
  it("AZ-08 turns pages from the newest to the first, each version once", async () => {
    for (let version = 1; version <= 7; version++)
      await world.put(owner, { path: "paged", value: Uint8Array.of(version) });
    const found: number[] = [];
    let pageToken = "";
    do {
      const page = await world.versions(owner, { path: "paged", pageSize: 3, pageToken });
      found.push(...page.versions.map(({ version }) => version));
      pageToken = page.nextPageToken;
      // A version put meanwhile belongs to no later page.
      await world.put(owner, { path: "paged", value: Uint8Array.of(0) });
    } while (pageToken !== "");
    expect(found).toEqual([7, 6, 5, 4, 3, 2, 1]);
  });

  it("SEC-01 says that there is no such path, and shows no value", async () => {
    await expect(world.versions(owner, { path: "nowhere" })).rejects.toMatchObject({
      reason: "SECRET_NOT_FOUND",
      code: 5,
    });
  });
});
