// What the plain checks let through, protovalidate lets through as well; and the hot methods have plain checks at all.
import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { GetSecretRequestSchema } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import {
  IntrospectRequestSchema,
  IssueTokenRequestSchema,
  RefreshRequestSchema,
  RevokeRequestSchema,
} from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { plainChecks } from "../../../src/rpc/plain-checks.ts";

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.integer({ min: 5000, max: 17_000 }).map((length) => "é".repeat(length)),
  fc.integer({ min: 16_300, max: 16_400 }).map((length) => "a".repeat(length)),
);

function agrees(schema: DescMessage, message: Message, validator: ReturnType<typeof createValidator>): void {
  if (plainChecks(schema)?.(message)) expect(validator.validate(schema, message).kind).toBe("valid");
}

describe("plain checks", () => {
  const validator = createValidator();

  it("P-03 never let through what protovalidate refuses", () => {
    fc.assert(
      fc.property(text, text, fc.integer({ min: -1, max: 5 }), (token, audience, consistency) => {
        agrees(IntrospectRequestSchema, create(IntrospectRequestSchema, { token, audience, consistency }), validator);
        agrees(RevokeRequestSchema, create(RevokeRequestSchema, { token }), validator);
      }),
      { numRuns: 300 },
    );
  });

  const credential = fc.oneof(
    fc.constant({ case: undefined }),
    fc.record({ clientId: text, clientSecret: text }).map((value) => ({ case: "client" as const, value })),
    text.map((value) => ({ case: "apiKey" as const, value })),
    text.map((value) => ({ case: "kubernetesToken" as const, value })),
    fc.constant({ case: "certificate" as const, value: {} }),
  );
  const scopes = fc.oneof(
    fc.array(fc.string({ maxLength: 70 }), { maxLength: 5 }),
    fc.integer({ min: 60, max: 70 }).map((length) => Array.from({ length }, () => "a")),
  );

  it("P-03 never let through what protovalidate refuses of lists, of what lies within, and of a choice", () => {
    fc.assert(
      fc.property(credential, text, scopes, (given, audience, wanted) => {
        const issue = create(IssueTokenRequestSchema, { credential: given, audience, scopes: wanted });
        agrees(IssueTokenRequestSchema, issue, validator);
        agrees(
          RefreshRequestSchema,
          create(RefreshRequestSchema, { refreshToken: audience, scopes: wanted }),
          validator,
        );
      }),
      { numRuns: 500 },
    );
  });

  it("know an ordinary request for a token, and let none through that shows nothing", () => {
    const check = plainChecks(IssueTokenRequestSchema);
    const client = { case: "client" as const, value: { clientId: "orders", clientSecret: "s".repeat(40) } };
    expect(check?.(create(IssueTokenRequestSchema, { credential: client, scopes: ["secrets.read"] }))).toBe(true);
    expect(check?.(create(IssueTokenRequestSchema, { scopes: ["secrets.read"] }))).toBe(false);
    expect(plainChecks(RefreshRequestSchema)?.(create(RefreshRequestSchema, { refreshToken: "ghr_1" }))).toBe(true);
  });

  it("know an ordinary token check without asking protovalidate", () => {
    const request = create(IntrospectRequestSchema, { token: "a".repeat(900), audience: "orders" });
    expect(plainChecks(IntrospectRequestSchema)?.(request)).toBe(true);
  });

  it("leave rules that they do not know, such as patterns, to protovalidate", () => {
    expect(plainChecks(GetSecretRequestSchema)).toBeUndefined();
  });
});
