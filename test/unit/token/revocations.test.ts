// What the feed told, kept as long as it means something.
import { describe, expect, it } from "vitest";
import type { FeedEvent } from "../../../src/kernel/database.ts";
import { createRevocations } from "../../../src/token/revocations.ts";

const at = (milliseconds: number) => new Date(1_000_000 + milliseconds);
const event = (kind: FeedEvent["kind"], key: string, expires = 1_000): FeedEvent => ({
  kind,
  key,
  expiresAt: at(expires),
});

describe("createRevocations", () => {
  it("keeps tokens and sessions apart, and leaves principals to others", () => {
    const revocations = createRevocations();
    revocations.learn([event("token", "x"), event("session", "y"), event("principal", "z")]);
    expect(revocations.revoked("x", "-")).toBe(true);
    expect(revocations.revoked("-", "y")).toBe(true);
    expect(revocations.revoked("y", "x")).toBe(false);
    expect(revocations.revoked("z", "z")).toBe(false);
  });

  it("forgets after the expiry, not before, and the later of two expiries counts", () => {
    const revocations = createRevocations();
    revocations.learn([event("token", "x", 2_000), event("token", "x", 1_000), event("token", "x", 2_000)]);
    revocations.sweep(at(1_999));
    expect(revocations.revoked("x", "-")).toBe(true);
    revocations.sweep(at(2_000));
    expect(revocations.size).toBe(0);
  });

  it("TOK-08 knows up to which generation a client's tokens are dead, whatever order it hears of it", () => {
    const revocations = createRevocations();
    revocations.learn([event("client", "shop:3"), event("client", "shop:2", 2_000), event("client", "till:1")]);
    expect([1, 2, 3, 4].map((generation) => revocations.clientEnded("shop", generation))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(revocations.clientEnded("till", 1)).toBe(false);
    expect(revocations.clientEnded("other", 1)).toBe(false);
    expect(revocations.revoked("shop:3", "shop")).toBe(false);
    revocations.sweep(at(1_000));
    expect(revocations.clientEnded("shop", 2)).toBe(true);
    revocations.sweep(at(2_000));
    expect(revocations.size).toBe(0);
  });

  it("TOK-10 knows the last ending of what a principal was given through a client, until it means nothing", () => {
    const revocations = createRevocations();
    revocations.learn([event("subject_client", "p:shop", 2_000), event("subject_client", "p:shop", 1_000)]);
    expect(revocations.lastEnding("p", "shop")).toBe(at(2_000).getTime());
    expect(revocations.lastEnding("p", "till")).toBeUndefined();
    expect(revocations.lastEnding("q", "shop")).toBeUndefined();
    expect(revocations.revoked("p:shop", "p:shop")).toBe(false);
    revocations.sweep(at(2_000));
    expect(revocations.lastEnding("p", "shop")).toBeUndefined();
    expect(revocations.size).toBe(0);
  });

  it("TOK-25 knows when a credential ends that was told of before, and takes the earliest of what it hears", () => {
    const revocations = createRevocations();
    const end = (milliseconds: number) => event("credential_end", `k:${at(milliseconds).getTime()}`, 2_000);
    const deadAt = (milliseconds: number) => revocations.credentialEnded("k", at(milliseconds).getTime());
    revocations.learn([end(500), end(700)]);
    expect([499, 500, 501].map(deadAt)).toEqual([false, true, true]);
    expect(revocations.credentialEnded("other", at(900).getTime())).toBe(false);
    revocations.learn([event("credential", "k", 2_000)]);
    expect(deadAt(0)).toBe(true);
    revocations.sweep(at(1_999));
    expect(deadAt(500)).toBe(true);
    revocations.sweep(at(2_000));
    expect(revocations.size).toBe(0);
  });

  it("is not fooled by keys that objects have", () => {
    const revocations = createRevocations();
    expect(revocations.revoked("__proto__", "constructor")).toBe(false);
    expect(revocations.clientEnded("constructor", 0)).toBe(false);
  });
});
