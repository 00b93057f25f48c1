// What a caller reads of an error: AIP-193 details on every one, and nothing of a cause that is not in the table.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { errorTable, GatehouseError, grpcCode, type Reason } from "../../../src/kernel/errors.ts";
import { asGatehouseError, encodeStatus } from "../../../src/rpc/errors.ts";
import { readStatus } from "../../fakes/status.ts";

const noon = new Date("2026-11-21T12:00:00.000Z");
const errorId = "0b9c2a44-6f1c-4d6e-9a83-2f0d5a3c9f10";
const reasons = Object.keys(errorTable) as Reason[];

const read = (error: GatehouseError) => readStatus(encodeStatus(error, errorId, noon));

describe("the status of an error", () => {
  it.each(reasons)("%s carries ErrorInfo with reason, domain, code, error id and time", (reason) => {
    const status = read(new GatehouseError(reason));
    expect(status.code).toBe(grpcCode[errorTable[reason].code]);
    expect(status.message).toBe(errorTable[reason].message);
    expect(status.info).toMatchObject({
      reason,
      domain: "gatehouse",
      metadata: { code: errorTable[reason].id, error_id: errorId, timestamp: "2026-11-21T12:00:00.000Z" },
    });
  });

  it("has each kind of detail at most once (AIP-193)", () => {
    const status = read(
      new GatehouseError("RATE_LIMITED", {
        retryAfterMs: 1_500,
        metadata: { limit: "login" },
        violations: [{ field: "a", description: "is wrong" }],
      }),
    );
    expect(new Set(status.details).size).toBe(status.details.length);
    expect(status.details).toHaveLength(4);
  });

  it("RPC-01 lists every bad field of an invalid request", () => {
    const violations = [
      { field: "grant.resource", description: "is too long" },
      { field: "role", description: "is empty" },
    ];
    const { badRequest } = read(new GatehouseError("REQUEST_INVALID", { violations }));
    expect(badRequest?.fieldViolations).toMatchObject(violations);
  });

  it.each([
    [1, 0n, 1_000_000],
    [1_500, 1n, 500_000_000],
    [60_000, 60n, 0],
  ])("RPC-11 says to come back after %d ms", (retryAfterMs, seconds, nanos) => {
    const { retryInfo } = read(new GatehouseError("RATE_LIMITED", { retryAfterMs }));
    expect(retryInfo?.retryDelay).toMatchObject({ seconds, nanos });
  });

  it("RPC-11 names the limit that was hit", () => {
    const { quotaFailure, info } = read(new GatehouseError("RATE_LIMITED", { metadata: { limit: "login" } }));
    expect(quotaFailure?.violations).toMatchObject([{ subject: "login" }]);
    expect(info?.metadata.limit).toBe("login");
  });

  it("has no detail that the error has no content for", () => {
    expect(read(new GatehouseError("INTERNAL")).details).toEqual(["google.rpc.ErrorInfo"]);
  });

  it("keeps code, error id and time even when a handler puts others into the metadata", () => {
    const { info } = read(
      new GatehouseError("INTERNAL", { metadata: { code: "x", error_id: "y", timestamp: "z", more: "m" } }),
    );
    expect(info?.metadata).toEqual({
      code: errorTable.INTERNAL.id,
      error_id: errorId,
      timestamp: noon.toISOString(),
      more: "m",
    });
  });

  it("never holds the finer reason that is for the audit trail", () => {
    const bytes = encodeStatus(
      new GatehouseError("LOGIN_FAILED", { auditReason: "LOGIN_NAME_UNKNOWN" }),
      errorId,
      noon,
    );
    expect(Buffer.from(bytes).toString("latin1")).not.toContain("LOGIN_NAME_UNKNOWN");
  });
});

describe("whatever else is thrown", () => {
  it("RPC-09 becomes INTERNAL and leaks nothing of itself", () => {
    const marker = "sentinel-b7f1";
    const thrown = fc.oneof(
      fc.constant(new TypeError(`select * from person where name = '${marker}'`)),
      fc.constant(Object.assign(new Error(marker), { code: "28P01", detail: marker, hint: marker })),
      fc.constant(new Error("outer", { cause: new Error(marker) })),
      fc.constant(marker),
      fc.constant({ message: marker, code: 5, details: marker, reason: "PERMISSION_DENIED" }),
      fc.constant(null),
      fc.constant(undefined),
      fc.anything(),
    );
    fc.assert(
      fc.property(thrown, (value) => {
        const error = asGatehouseError(value);
        const status = read(error);
        expect(error.cause).toBe(value);
        expect(status).toMatchObject({ code: grpcCode.INTERNAL, message: "internal error" });
        expect(status.info?.reason).toBe("INTERNAL");
        expect(Buffer.from(encodeStatus(error, errorId, noon)).toString("latin1")).not.toContain(marker);
      }),
    );
  });

  it("is passed on when it is ours, and its cause stays inside", () => {
    const error = new GatehouseError("DATABASE_UNAVAILABLE", { cause: new Error("connect ECONNREFUSED /run/pg.sock") });
    expect(asGatehouseError(error)).toBe(error);
    expect(Buffer.from(encodeStatus(error, errorId, noon)).toString("latin1")).not.toContain("ECONNREFUSED");
  });
});

describe("the table of errors", () => {
  it("gives every reason an identifier of its own", () => {
    const ids = reasons.map((reason) => errorTable[reason].id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^SEC-(AUTH|TOKEN|SECRETS|AUDIT|CORE)-\d{3}$/);
  });

  it.each(reasons)("%s is written as AIP-193 and the house have it", (reason) => {
    const { message, remedy } = errorTable[reason];
    expect(reason).toMatch(/^[A-Z][A-Z0-9_]{1,61}[A-Z0-9]$/);
    expect(message).toMatch(/^[a-z].*[^.]$/);
    expect(remedy).toMatch(/^[A-Z].*\.$/);
  });
});
