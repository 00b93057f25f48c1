// Which application calls: one answer and one amount of work for everything that is wrong, and nothing old for longer than the
// feed allows.
import { afterEach, describe, expect, it, vi } from "vitest";
import type { StoredClient } from "../../../../src/auth/client/store.ts";
import { clientSecretMac, createKnownClients } from "../../../../src/auth/known-clients/known-clients.ts";
import type { LoneWriter, Row } from "../../../../src/kernel/database.ts";
import type { GatehouseError } from "../../../../src/kernel/errors.ts";
import { callTime } from "../../../fakes/call.ts";
import { aClient, clientRow, secretRow } from "../../../fakes/clients.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";
import { fakeMacs } from "../../../fakes/sealing.ts";

const [first, second, lapsed] = ["ghc_first", "ghc_second", "ghc_lapsed"];
const till: StoredClient = { ...aClient, id: "till", confidential: true };
const closed: StoredClient = { ...till, id: "closed", disabled: true };
const anHour = 3_600_000;
const later = (ms: number) => new Date(callTime.getTime() + ms);

const rowsOf = (client: StoredClient, secrets: readonly (readonly [string, Date?])[] = []): Row[] => {
  const hashed = secrets.map(([text, expiresAt], index) => ({
    id: `0198f000-0000-7000-8000-00000000000${index}`,
    hint: text.slice(0, 8),
    hash: clientSecretMac(fakeMacs, client.id, text),
    createdAt: callTime,
    expiresAt,
    lastUsedAt: undefined,
  }));
  const none = {
    secret_id: null,
    client_id: null,
    secret_hash: null,
    hash_version: null,
    hint: null,
    expires_at: null,
  };
  const joined = hashed.length === 0 ? [none] : hashed.map((secret) => secretRow(client.id, secret));
  return joined.map((row) => ({ ...clientRow(client), ...row }));
};

function world(fresh = { now: true }) {
  const stored = new Map<string, Row[]>([
    ["shop", rowsOf(aClient)],
    ["till", rowsOf(till, [[first], [second, later(anHour)], [lapsed, later(-1)]])],
    ["closed", rowsOf(closed, [[first]])],
  ]);
  const database = scriptedDatabase({
    "auth.known_clients": () => [...stored.values()].flat(),
    "auth.known_client": ([id]) => stored.get(id as string) ?? [],
  });
  const hashings = vi.fn(fakeMacs.candidates);
  const written: (readonly unknown[])[] = [];
  const writer: LoneWriter = {
    async write(_statement, parameters) {
      written.push(parameters);
      return [];
    },
  };
  const clients = createKnownClients({
    reader: database,
    writer,
    macs: { ...fakeMacs, candidates: hashings },
    freshness: { fresh: () => fresh.now },
  });
  const refusal = (id: string, secret: string, now = callTime) =>
    clients.authenticate(id, secret, now).then(
      () => undefined,
      (error: unknown) => error as GatehouseError,
    );
  return { clients, database, stored, hashings, refusal, fresh, written };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a client that shows its secret", () => {
  it("TOK-05 is known by either of two, until the one that ends has ended", async () => {
    const { clients, refusal } = world();
    expect(await clients.authenticate("till", first, callTime)).toMatchObject({ id: "till", generation: 1 });
    expect(await clients.authenticate("till", second, later(anHour - 1))).toMatchObject({ id: "till" });
    expect(await refusal("till", second, later(anHour))).toMatchObject({ auditReason: "CLIENT_SECRET_WRONG" });
    expect(await clients.authenticate("till", first, later(anHour))).toMatchObject({ id: "till" });
  });

  it("TOK-25 is noted to have used that one, in one writing a minute, and not when it was refused", async () => {
    const { clients, refusal, written } = world();
    await clients.authenticate("shop", "", callTime);
    for (const secret of ["ghc_third", lapsed]) await refusal("till", secret);
    await refusal("closed", first);
    await clients.close();
    expect(written).toEqual([]);
    await clients.authenticate("till", second, callTime);
    await clients.authenticate("till", second, later(1));
    await clients.sweeps[0]?.run(later(2));
    await clients.close();
    expect(written).toEqual([[["0198f000-0000-7000-8000-000000000001"], [later(1).toISOString()]]]);
  });

  it("is public without a secret, and then alone", async () => {
    const { clients, refusal } = world();
    expect(await clients.authenticate("shop", "", callTime)).toMatchObject({ id: "shop" });
    expect(await refusal("shop", first)).toMatchObject({ reason: "CLIENT_INVALID" });
    expect(await refusal("till", "")).toMatchObject({ reason: "CLIENT_INVALID" });
  });

  const wrong: readonly (readonly [string, string, string, string])[] = [
    ["an unknown client", "nobody", first, "CLIENT_UNKNOWN"],
    ["the name of what every object has", "constructor", first, "CLIENT_UNKNOWN"],
    ["the built-in client", "gatehouse", "", "CLIENT_UNKNOWN"],
    ["a wrong secret", "till", "ghc_third", "CLIENT_SECRET_WRONG"],
    ["no secret", "till", "", "CLIENT_SECRET_WRONG"],
    ["a secret that has expired", "till", lapsed, "CLIENT_SECRET_WRONG"],
    ["the beginning of a secret", "till", first.slice(0, -1), "CLIENT_SECRET_WRONG"],
    ["a secret and more", "till", `${first} `, "CLIENT_SECRET_WRONG"],
    ["a secret of a public client", "shop", first, "CLIENT_SECRET_WRONG"],
    ["a disabled client", "closed", first, "CLIENT_DISABLED"],
    ["a disabled client and a wrong secret", "closed", second, "CLIENT_SECRET_WRONG"],
  ];

  it.each(wrong)("CVE-2026-27840 TOK-05 costs the same for %s", async (_title, id, secret, auditReason) => {
    const { refusal, hashings, database } = world();
    expect(await refusal(id, secret)).toMatchObject({ reason: "CLIENT_INVALID", code: 16, auditReason });
    expect(hashings).toHaveBeenCalledTimes(1);
    expect(database.asked).toEqual(["auth.known_clients"]);
  });

  it("TOK-05 gets one answer for all of them", async () => {
    const { refusal } = world();
    const answers = await Promise.all(
      wrong.map(async ([, id, secret]) => {
        const { reason, code, message, metadata, violations } = (await refusal(id, secret)) as GatehouseError;
        return JSON.stringify({ reason, code, message, metadata, violations });
      }),
    );
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).not.toMatch(/ghc_|till|shop/);
  });

  it("shows a secret of its own: that of another client is worth nothing, whoever moved its row", async () => {
    const { stored, refusal } = world();
    stored.set(
      "till",
      rowsOf(till).map((row) => ({ ...row, ...secretRow("till", moved) })),
    );
    expect(await refusal("till", first)).toMatchObject({ auditReason: "CLIENT_SECRET_WRONG" });
  });

  const moved = {
    id: "0198f000-0000-7000-8000-000000000009",
    hint: "ghc_firs",
    hash: clientSecretMac(fakeMacs, "closed", first),
    createdAt: callTime,
    expiresAt: undefined,
    lastUsedAt: undefined,
  };
});

describe("what is in memory of clients", () => {
  it("answers at once, unknown ones included, after one reading for however many ask", async () => {
    const { clients, database } = world();
    expect(clients.find("shop", callTime)).toBeInstanceOf(Promise);
    await Promise.all(["shop", "till", "nobody"].map((id) => clients.find(id, callTime)));
    expect(clients.find("shop", callTime)).toMatchObject({ id: "shop" });
    expect(clients.find("closed", callTime)).toMatchObject({ disabled: true });
    expect(clients.find("nobody", callTime)).toBeUndefined();
    expect(database.asked).toEqual(["auth.known_clients"]);
  });

  it("TOK-08 is forgotten when the feed says that a client changed, and for no other event", async () => {
    const { clients, stored, refusal } = world();
    await clients.authenticate("till", first, callTime);
    stored.set("till", rowsOf({ ...till, disabled: true, generation: 2 }, [[first]]));
    clients.onFeed([{ kind: "principal", key: "till:2", expiresAt: later(anHour) }]);
    expect(clients.find("till", callTime)).toMatchObject({ disabled: false });
    clients.onFeed([{ kind: "client", key: "till:2", expiresAt: later(anHour) }]);
    expect(await refusal("till", first)).toMatchObject({ auditReason: "CLIENT_DISABLED" });
  });

  it("TOK-08 is not what a reading that began before a change found", async () => {
    const { clients, stored, database } = world();
    const reading = clients.find("till", callTime);
    clients.onFeed([{ kind: "client", key: "till:2", expiresAt: later(anHour) }]);
    await reading;
    stored.set("till", rowsOf({ ...till, disabled: true, generation: 2 }));
    expect(await clients.find("till", callTime)).toMatchObject({ generation: 2 });
    expect(database.asked).toEqual(["auth.known_clients", "auth.known_clients"]);
  });

  it("TOK-08 is not relied upon once the feed is behind, nor for longer than five minutes", async () => {
    const fresh = { now: true };
    const { clients, stored, refusal } = world(fresh);
    await clients.find("till", callTime);
    stored.delete("till");
    expect(clients.find("till", callTime)).toMatchObject({ id: "till" });
    fresh.now = false;
    expect(await clients.find("till", callTime)).toBeUndefined();
    expect(await refusal("till", first)).toMatchObject({ auditReason: "CLIENT_UNKNOWN" });
    fresh.now = true;
    expect(await clients.find("till", later(300_000))).toBeUndefined();
  });

  it("a database that does not answer is no client that does not exist, and is asked again", async () => {
    const { database } = world();
    let failing = true;
    const clients = createKnownClients({
      reader: {
        rows: (...asked) => (failing ? Promise.reject(new Error("gone")) : database.rows(...asked)),
      },
      writer: { write: async () => [] },
      macs: fakeMacs,
      freshness: { fresh: () => true },
    });
    await expect(clients.authenticate("till", first, callTime)).rejects.toThrow("gone");
    failing = false;
    expect(await clients.authenticate("till", first, callTime)).toMatchObject({ id: "till" });
  });
});
