// Whoever can write the database can move rows about. What was moved must open nowhere.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Principal } from "../../../src/kernel/principal.ts";
import { openSecretsWorld, type SecretsWorld } from "./secrets-world.ts";

let world: SecretsWorld;
let owner: Principal;
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array) => new TextDecoder().decode(value);

beforeAll(async () => {
  world = await openSecretsWorld();
  owner = await world.principal();
});
afterAll(() => world.close());

beforeEach(async () => {
  for (const [path, value] of [
    ["a/x", "ax1"],
    ["a/x", "ax2"],
    ["b/y", "by1"],
  ] as const) {
    await world.put(owner, { path, value: bytes(value) });
  }
});
afterEach(async () => {
  await world.database.asOwner("delete from secret_version");
  await world.database.asOwner("delete from secret");
});

const columns = ["sealed", "wrapped_key", "kek_id", "kek_version"];
const byPath = (path: string) => `(select id from secret where path = '${path}')`;

function copy(names: readonly string[], from: [string, number], to: [string, number]): Promise<unknown> {
  return world.database.asOwner(
    `update secret_version mine set ${names.map((name) => `${name} = theirs.${name}`).join(", ")} from secret_version theirs
     where theirs.secret_id = ${byPath(from[0])} and theirs.version = $1 and mine.secret_id = ${byPath(to[0])} and mine.version = $2`,
    [from[1], to[1]],
  );
}

const corrupt = { reason: "DATA_CORRUPT", code: 15, message: "the stored data does not open" };

describe("a moved row", () => {
  it("KEY-04 of another path opens nowhere, although it brings its own key along", async () => {
    await copy(columns, ["a/x", 1], ["b/y", 1]);
    await expect(world.get(owner, "b/y")).rejects.toMatchObject(corrupt);
    expect(text((await world.get(owner, "a/x", 1)).value)).toBe("ax1");
  });

  it("KEY-04 of another version opens nowhere: a rolled back secret does not pass for the new one", async () => {
    await copy(columns, ["a/x", 1], ["a/x", 2]);
    await expect(world.get(owner, "a/x")).rejects.toMatchObject(corrupt);
  });

  it("KEY-04 paths that were swapped take their values along nowhere", async () => {
    await world.database.asOwner("update secret set path = 'c/z' where path = 'a/x'");
    await expect(world.get(owner, "c/z", 1)).rejects.toMatchObject(corrupt);
  });

  it.each([[["sealed"]], [["wrapped_key"]], [["wrapped_key", "kek_id", "kek_version"]]])(
    "KEY-04 KEY-05 fails the same way when only %s came from elsewhere",
    async (names) => {
      await copy(names, ["a/x", 1], ["a/x", 2]);
      await expect(world.get(owner, "a/x", 2)).rejects.toMatchObject(corrupt);
    },
  );

  it.each([
    "sealed = set_byte(sealed, octet_length(sealed) - 1, get_byte(sealed, octet_length(sealed) - 1) # 1)",
    "sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 128)",
    "sealed = substring(sealed from 1 for octet_length(sealed) - 12)",
    "sealed = ''",
    "wrapped_key = set_byte(wrapped_key, 5, get_byte(wrapped_key, 5) # 1)",
    "wrapped_key = ''",
    "kek_version = kek_version + 1",
    "kek_id = 'another'",
  ])("KEY-02 KEY-05 KEY-10 fails the same way when a byte changed: %s", async (set) => {
    await world.database.asOwner(`update secret_version set ${set} where secret_id = ${byPath("b/y")}`);
    await expect(world.get(owner, "b/y")).rejects.toMatchObject(corrupt);
    expect(text((await world.get(owner, "a/x")).value)).toBe("ax2");
  });

  it("SEC-01 a destroyed version whose mark was taken away has nothing left to open", async () => {
    await world.change(owner, "destroy", "b/y", [1]);
    const unmark = world.database.asOwner(
      `update secret_version set destroyed_at = null where secret_id = ${byPath("b/y")}`,
    );
    await expect(unmark).rejects.toThrow(/check constraint/);
  });
});
