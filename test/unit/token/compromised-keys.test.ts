// A key that is compromised or brand new, as the check of tokens meets it.
import { describe, expect, it } from "vitest";
import { principalOf } from "../../fakes/principal.ts";
import { createTestSigner, signAnything, type TestSigner } from "../../fakes/token-signer.ts";
import { createTokenWorld, standingOf } from "../../fakes/token-world.ts";
import { goodHeader, goodPayload } from "./claims.ts";

function signerOfTwo() {
  const [old, fresh] = [createTestSigner(), createTestSigner()];
  const dead = new Set<string>();
  let known: readonly TestSigner[] = [old];
  let looks = 0;
  const signer: TestSigner = {
    ...old,
    verificationKeys: () => known.map((one) => one.current()).filter(({ kid }) => !dead.has(kid)),
    compromised: (kid) => dead.has(kid),
    async lookAgain() {
      looks += 1;
      known = [old, fresh];
    },
  };
  return { signer, old, fresh, dead, looks: () => looks };
}

const feedEvent = (kid: string) => ({ kind: "compromised_key" as const, key: kid, expiresAt: new Date("2026-11-22Z") });

describe("tokens of a compromised key", () => {
  function open() {
    const keys = signerOfTwo();
    const world = createTokenWorld({ signer: keys.signer });
    world.standings.set(standingOf(principalOf().id, { generation: 1 }));
    const authenticate = (token: string) =>
      Promise.resolve(0).then(() => world.slice.authenticator.authenticate(token, world.time.now));
    return { ...keys, world, authenticate };
  }

  it("KEY-06 are dead from the announcement on, also those that were taken a moment before", async () => {
    const { world, old, dead, authenticate } = open();
    const token = await signAnything(old, goodHeader(world), goodPayload(world));
    await authenticate(token);
    expect(world.slice.authenticator.authenticate(token, world.time.now)).not.toBeInstanceOf(Promise);
    dead.add(old.current().kid);
    world.feed(feedEvent(old.current().kid));
    await expect(authenticate(token)).rejects.toMatchObject({ reason: "TOKEN_REVOKED" });
    const another = await signAnything(old, goodHeader(world), { ...goodPayload(world), jti: principalOf().id });
    await expect(authenticate(another)).rejects.toMatchObject({ reason: "TOKEN_REVOKED" });
  });

  it("KEY-06 are dead when the announcement comes in while the signature is checked", async () => {
    const { world, old, dead, authenticate } = open();
    const token = await signAnything(old, goodHeader(world), goodPayload(world));
    const checking = authenticate(token);
    await Promise.resolve();
    dead.add(old.current().kid);
    world.feed(feedEvent(old.current().kid));
    await expect(checking).rejects.toMatchObject({ reason: "TOKEN_REVOKED" });
  });

  it("leave tokens of other keys alone", async () => {
    const { world, old, fresh, dead, signer, authenticate } = open();
    await signer.lookAgain();
    const header = { ...goodHeader(world), kid: fresh.current().kid };
    const token = await signAnything(fresh, header, goodPayload(world));
    await authenticate(token);
    dead.add(old.current().kid);
    world.feed(feedEvent(old.current().kid));
    expect(world.slice.authenticator.authenticate(token, world.time.now)).not.toBeInstanceOf(Promise);
  });

  it("a key that another replica made a moment ago is looked for once, before its token is refused", async () => {
    const { world, fresh, looks, authenticate } = open();
    const header = { ...goodHeader(world), kid: fresh.current().kid };
    await authenticate(await signAnything(fresh, header, goodPayload(world)));
    expect(looks()).toBe(1);
  });

  it("JWT-14 a kid that nobody has ends in the same answer after the look", async () => {
    const { world, old, looks, authenticate } = open();
    const token = await signAnything(old, { ...goodHeader(world), kid: "../../etc/passwd" }, goodPayload(world));
    await expect(authenticate(token)).rejects.toMatchObject({ reason: "TOKEN_SIGNATURE_INVALID" });
    expect(looks()).toBe(1);
  });
});
