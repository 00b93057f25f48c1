// A client shows itself once, in a form that leaves no doubt (RFC 6749 section 2.3).
import { describe, expect, it } from "vitest";
import type { GatehouseError } from "../../../../../src/kernel/errors.ts";
import type { WebRequest } from "../../../../../src/rpc/web/message.ts";
import { shownBy, shownInHeader } from "../../../../../src/rpc/web/oauth/credentials.ts";

const base64 = (text: string, encoding: "latin1" | "utf8" = "utf8") => Buffer.from(text, encoding).toString("base64");
const requestWith = (...values: string[]) =>
  ({ rawHeaders: values.flatMap((value) => ["Authorization", value]) }) as WebRequest;

function shown(headers: readonly string[], form: Readonly<Record<string, string>> = {}) {
  try {
    return shownBy(shownInHeader(requestWith(...headers)), new Map(Object.entries(form)));
  } catch (thrown) {
    return (thrown as GatehouseError).reason;
  }
}

const till = { clientId: "till", clientSecret: "secret_x" };
const other = { client: undefined, otherHeader: true };

describe("a client's credentials", () => {
  it("are id and secret in the header, each encoded as in a form", () => {
    expect(shown([`Basic ${base64("till:secret_x")}`])).toEqual({ client: till, otherHeader: false });
    expect(shown([`bAsIc ${base64("till:secret%5Fx")}`])).toEqual({ client: till, otherHeader: false });
    expect(shown([`Basic ${base64("a+b%3A:c:d")}`])).toMatchObject({
      client: { clientId: "a b:", clientSecret: "c:d" },
    });
  });

  it("or both in the form, or the id alone where there is no secret", () => {
    expect(shown([], { client_id: "till", client_secret: "secret_x" })).toEqual({ client: till, otherHeader: false });
    expect(shown([], { client_id: "till" })).toMatchObject({ client: { clientId: "till", clientSecret: "" } });
    expect(shown([`Basic ${base64("till:")}`])).toMatchObject({ client: { clientId: "till", clientSecret: "" } });
    expect(shown([])).toEqual({ client: undefined, otherHeader: false });
  });

  it("may repeat the id of the header in the form, and nothing else", () => {
    const header = [`Basic ${base64("till:secret_x")}`];
    expect(shown(header, { client_id: "till" })).toMatchObject({ client: till });
    expect(shown(header, { client_id: "safe" })).toBe("REQUEST_INVALID");
    expect(shown(header, { client_id: "till", client_secret: "secret_x" })).toBe("REQUEST_INVALID");
    expect(shown(["Bearer x"], { client_id: "till", client_secret: "secret_x" })).toBe("REQUEST_INVALID");
    expect(shown([], { client_secret: "secret_x" })).toBe("REQUEST_INVALID");
  });

  it.each([
    ["a token", ["Bearer abc"]],
    ["another scheme", ["Digest abc"]],
    ["nothing after the scheme", ["Basic "]],
    ["no base64", ["Basic ???"]],
    ["base64 with bits that nobody reads", [`Basic ${base64("till:secret_x").replace("A==", "B==")}`]],
    ["base64url", ["Basic dGlsbDpnaHNf_-8="]],
    ["no colon", [`Basic ${base64("till")}`]],
    ["no id", [`Basic ${base64(":secret_x")}`]],
    ["bytes that are no UTF-8", [`Basic ${base64("till:\xff", "latin1")}`]],
    ["an escape that is none", [`Basic ${base64("till:%zz")}`]],
    ["a control character", [`Basic ${base64("till:%00")}`]],
    ["an id longer than any", [`Basic ${base64(`${"a".repeat(64)}:x`)}`]],
    ["a secret longer than any", [`Basic ${base64(`till:${"x".repeat(129)}`)}`]],
    ["two headers", [`Basic ${base64("till:secret_x")}`, `Basic ${base64("till:secret_x")}`]],
  ])("are none where the header has %s", (_, headers) => {
    expect(shown(headers)).toEqual(other);
  });

  it("are bounded in the form too, and refused like any that are wrong", () => {
    expect(shown([], { client_id: "a".repeat(64) })).toBe("CLIENT_INVALID");
    expect(shown([], { client_id: "a", client_secret: "x".repeat(129) })).toBe("CLIENT_INVALID");
  });
});
