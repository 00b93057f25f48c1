// A compromised key, for a replica that has not heard of it: STRONG, and one that is behind, ask the database.
import { afterAll, beforeAll, expect, it } from "vitest";
import { draftAt } from "../../fixtures/audit-draft.ts";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { createInstallation, createPerson, introspect, logIn } from "./world.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.drop());

const strong = 2;

it("KEY-06 TOK-08 tokens of a compromised key are dead at once for STRONG, and wherever memory may not be relied upon", async () => {
  const installation = await createInstallation(database);
  const deaf = installation.replica({ deaf: true });
  const standing = await createPerson(database, deaf);
  const { accessToken } = await logIn(deaf, standing);
  expect((await introspect(deaf, accessToken, strong)).active).toBe(true);

  const announce = (key: string, expiresAt: Date) =>
    installation.unitOfWork.commit(draftAt(deaf.time.now), async (tx) => {
      tx.announce({ kind: "compromised_key", key, expiresAt });
    });
  await announce("another", new Date(deaf.time.now.getTime() + 60_000));
  expect((await introspect(deaf, accessToken, strong)).active).toBe(true);
  await announce(deaf.signer.current().kid, new Date(deaf.time.now.getTime() + 60_000));
  expect((await introspect(deaf, accessToken, strong)).reason).toBe("TOKEN_REVOKED");

  expect((await introspect(deaf, accessToken)).active).toBe(true);
  deaf.freshness.isFresh = false;
  expect((await introspect(deaf, accessToken)).reason).toBe("TOKEN_REVOKED");
  await expect(async () => deaf.slice.authenticator.authenticate(accessToken, deaf.time.now)).rejects.toMatchObject({
    reason: "TOKEN_REVOKED",
  });
});
