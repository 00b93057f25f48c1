// Typed errors: what is made of what arrives, garbage included.
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { IntrospectResponseSchema } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "@gatehouse/proto/google/rpc/error_details_pb.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { errorTable, grpcCode } from "../../../src/kernel/errors.ts";
import { toGatehouseError } from "../src/errors/decode.ts";
import { GatehouseError, isReason } from "../src/errors/gatehouse-error.ts";
import * as kinds from "../src/errors/kinds.ts";
import { serverReasons } from "../src/errors/reasons.ts";
import { requireActive } from "../src/errors/require-active.ts";

function received(code: Code, details: { type: string; value: Uint8Array }[]): ConnectError {
  const error = new ConnectError("refused", code);
  error.details = details;
  return error;
}

function info(reason: string, metadata: Record<string, string> = {}, domain = "gatehouse") {
  const value = toBinary(ErrorInfoSchema, create(ErrorInfoSchema, { reason, domain, metadata }));
  return { type: ErrorInfoSchema.typeName, value };
}

describe("decoding", () => {
  it("M-07 takes reason, code, error id, timestamp and the rest out of ErrorInfo", () => {
    const metadata = {
      code: "SEC-AUTH-005",
      error_id: "e-1",
      timestamp: "2026-01-02T03:04:05.000Z",
      permission: "secrets.read",
    };
    expect(toGatehouseError(received(Code.PermissionDenied, [info("PERMISSION_DENIED", metadata)]))).toMatchObject({
      name: "PermissionDenied",
      message: "refused",
      reason: "PERMISSION_DENIED",
      code: "SEC-AUTH-005",
      grpcCode: 7,
      errorId: "e-1",
      timestamp: new Date("2026-01-02T03:04:05Z"),
      metadata: { permission: "secrets.read" },
      violations: [],
      retryAfterMs: undefined,
    });
  });

  it("takes the violations out of BadRequest", () => {
    const fieldViolations = [{ field: "path", description: "is empty" }];
    const bad = toBinary(BadRequestSchema, create(BadRequestSchema, { fieldViolations }));
    const details = [info("REQUEST_INVALID"), { type: BadRequestSchema.typeName, value: bad }];
    const error = toGatehouseError(received(Code.InvalidArgument, details));
    expect(error).toBeInstanceOf(kinds.ValidationError);
    expect(error.violations).toEqual(fieldViolations);
  });

  it.each([
    [1, 500_000_000, 1_500],
    [0, 0, 0],
    [-5, 0, undefined],
  ])("takes the wait out of RetryInfo: %s s and %s ns are %s ms", (seconds, nanos, expected) => {
    const retryDelay = { seconds: BigInt(seconds), nanos };
    const value = toBinary(RetryInfoSchema, create(RetryInfoSchema, { retryDelay }));
    const details = [info("RATE_LIMITED"), { type: RetryInfoSchema.typeName, value }];
    const error = toGatehouseError(received(Code.ResourceExhausted, details));
    expect(error).toBeInstanceOf(kinds.RateLimited);
    expect(error.retryAfterMs).toBe(expected);
  });
});

describe("decoding what is strange", () => {
  it("does not believe an ErrorInfo of another domain", () => {
    const error = toGatehouseError(received(Code.Unauthenticated, [info("TOKEN_EXPIRED", {}, "proxy.example")]));
    expect(error).toMatchObject({ reason: "UNKNOWN", code: undefined });
    expect(error).not.toBeInstanceOf(kinds.ExpiredToken);
  });

  it.each([
    [Code.Unavailable, "UNREACHABLE", "Unavailable"],
    [Code.DeadlineExceeded, "DEADLINE_EXCEEDED", "GatehouseError"],
    [Code.Canceled, "CANCELLED", "GatehouseError"],
    [Code.Unimplemented, "METHOD_UNKNOWN", "GatehouseError"],
    [Code.Internal, "UNKNOWN", "GatehouseError"],
    [Code.Unauthenticated, "UNKNOWN", "InvalidToken"],
  ])("gives a bare status %s the reason %s", (code, reason, name) => {
    expect(toGatehouseError(received(code, []))).toMatchObject({ reason, name, errorId: undefined });
  });

  it("keeps a reason that it does not know, and its class by status", () => {
    const error = toGatehouseError(received(Code.PermissionDenied, [info("FROM_THE_FUTURE")]));
    expect(error).toMatchObject({ reason: "FROM_THE_FUTURE", name: "PermissionDenied" });
  });

  it.each(["constructor", "__proto__", "toString", ""])("is not fooled by the reason %j", (reason) => {
    expect(toGatehouseError(received(Code.Internal, [info(reason)]))).toMatchObject({ reason, name: "GatehouseError" });
  });

  it("survives any details", () => {
    const type = fc.constantFrom("google.rpc.ErrorInfo", "google.rpc.BadRequest", "google.rpc.RetryInfo", "", "x.Y");
    const detail = fc.record({ type, value: fc.uint8Array({ maxLength: 60 }) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 16 }), fc.array(detail, { maxLength: 5 }), (code, details) => {
        const error = toGatehouseError(received(code, details));
        expect(error).toBeInstanceOf(GatehouseError);
        expect(error.grpcCode).toBe(code);
      }),
    );
  });

  it("takes a timestamp that is none as absent", () => {
    const error = toGatehouseError(received(Code.Internal, [info("INTERNAL", { timestamp: "yesterday" })]));
    expect(error.timestamp).toBeUndefined();
  });

  it("passes what is typed already, and wraps what was never an error of gRPC", () => {
    const typed = toGatehouseError(received(Code.Internal, []));
    expect(toGatehouseError(typed)).toBe(typed);
    const cause = new TypeError("boom");
    expect(toGatehouseError(cause)).toMatchObject({ reason: "UNKNOWN", cause: { cause } });
  });
});

describe("the classes", () => {
  const classOf = (reason: string, code: number): string =>
    kinds.makeError({ message: "", reason, grpcCode: code }).name;

  it("F-07 tell invalid, expired and revoked tokens and wrong credentials apart", () => {
    expect(classOf("CREDENTIAL_INVALID", 16)).toBe("InvalidToken");
    expect(classOf("TOKEN_EXPIRED", 16)).toBe("ExpiredToken");
    expect(classOf("TOKEN_REVOKED", 16)).toBe("RevokedToken");
    expect(classOf("LOGIN_FAILED", 16)).toBe("InvalidCredentials");
    const expired = kinds.makeError({ message: "", reason: "TOKEN_EXPIRED", grpcCode: 16 });
    expect(expired).toBeInstanceOf(kinds.TokenError);
    expect(expired).not.toBeInstanceOf(kinds.InvalidToken);
    expect(expired).not.toBeInstanceOf(kinds.AuthError);
  });

  it("keep what may have happened apart from what has not", () => {
    expect(classOf("OUTCOME_UNKNOWN", 14)).toBe("OutcomeUnknown");
    expect(classOf("DATABASE_UNAVAILABLE", 14)).toBe("Unavailable");
    const unknown = kinds.makeError({ message: "", reason: "OUTCOME_UNKNOWN", grpcCode: 14 });
    expect(unknown).not.toBeInstanceOf(kinds.Unavailable);
  });

  it("know every reason of the server's table, and no other", () => {
    expect([...serverReasons].sort()).toEqual(Object.keys(errorTable).sort());
  });

  it.each(Object.entries(errorTable))("give %s a class that fits its status", (reason, { code }) => {
    const fitting: Partial<Record<keyof typeof grpcCode, readonly string[]>> = {
      INVALID_ARGUMENT: ["ValidationError"],
      PERMISSION_DENIED: ["PermissionDenied"],
      UNAVAILABLE: ["Unavailable", "OutcomeUnknown"],
      UNAUTHENTICATED: ["InvalidToken", "ExpiredToken", "RevokedToken", "InvalidCredentials"],
    };
    const others = ["GatehouseError", "RateLimited", "VersionConflict"];
    expect(fitting[code] ?? others).toContain(classOf(reason, grpcCode[code]));
  });

  it("F-07 come out of an answer of Introspect too", () => {
    const answer = (active: boolean, reason = "") => create(IntrospectResponseSchema, { active, reason });
    const live = answer(true);
    expect(requireActive(live)).toBe(live);
    expect(() => requireActive(answer(false))).toThrow(kinds.InvalidToken);
    expect(() => requireActive(answer(false, "TOKEN_EXPIRED"))).toThrow(kinds.ExpiredToken);
    expect(() => requireActive(answer(false, "TOKEN_REVOKED"))).toThrow(kinds.RevokedToken);
    expect(() => requireActive(answer(false, "FROM_THE_FUTURE"))).toThrow(kinds.InvalidToken);
  });
});

describe("instanceof and isReason", () => {
  it("hold across two copies of the package", async () => {
    const copy = (await import("../src/errors/kinds.ts?copy" as string)) as typeof kinds;
    const error = copy.makeError({ message: "", reason: "TOKEN_EXPIRED", grpcCode: 16 });
    expect(copy.ExpiredToken).not.toBe(kinds.ExpiredToken);
    expect(error).toBeInstanceOf(kinds.ExpiredToken);
    expect(error).toBeInstanceOf(kinds.TokenError);
    expect(error).toBeInstanceOf(GatehouseError);
    expect(error).not.toBeInstanceOf(kinds.RevokedToken);
    expect(isReason(error, "TOKEN_EXPIRED")).toBe(true);
  });

  it("leave a class derived elsewhere to identity", () => {
    class Own extends kinds.RateLimited {}
    const parts = { message: "", reason: "RATE_LIMITED", grpcCode: 8 };
    expect(new Own(parts)).toBeInstanceOf(Own);
    expect(new Own(parts)).toBeInstanceOf(kinds.RateLimited);
    expect(kinds.makeError(parts)).not.toBeInstanceOf(Own);
  });

  it.each([undefined, null, 0, "TOKEN_EXPIRED", {}, new Error("x"), { reason: "TOKEN_EXPIRED" }])(
    "say no to %j",
    (value) => {
      expect(value instanceof GatehouseError).toBe(false);
      expect(isReason(value, "TOKEN_EXPIRED")).toBe(false);
    },
  );

  it("narrow to one of several reasons", () => {
    const error: unknown = kinds.makeError({ message: "", reason: "SECRET_NOT_FOUND", grpcCode: 5 });
    expect(isReason(error, "SECRET_EXPIRED", "SECRET_NOT_FOUND")).toBe(true);
    expect(isReason(error, "SECRET_EXPIRED")).toBe(false);
  });
});
