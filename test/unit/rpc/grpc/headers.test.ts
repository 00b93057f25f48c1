// Metadata as it comes off the wire: what is too long, what is no text and what is no base64.
import { describe, expect, it } from "vitest";
import { metadataFault } from "../../../../src/rpc/grpc/headers.ts";

const pseudo = [":method", "POST", ":scheme", "http", ":path", "/a/b", ":authority", "x"];
const fault = (fields: readonly string[], maxBytes = 8_192) => metadataFault([...pseudo, ...fields], maxBytes);

describe("metadata", () => {
  it("RPC-06 counts names, values and 32 bytes a field", () => {
    const own = pseudo.join("").length + 4 * 32;
    expect(fault(["a", "b"], own + 34)).toBeUndefined();
    expect(fault(["a", "b"], own + 33)?.reason).toBe("METADATA_INVALID");
    expect(fault(["a", ""].concat(Array.from({ length: 500 }, () => "")))?.message).toContain("too long");
  });

  it.each(["\t", "a\u0000", "\u007f", "\u00e4"])("RPC-10 refuses %j", (value) => {
    expect(fault(["x-a", value])?.reason).toBe("METADATA_INVALID");
  });

  it.each(["a", "YQ=", "YQ===", "Y Q", "YQ,=", "-_-_", "YWJj\n"])("RPC-10 refuses %j as base64", (value) => {
    expect(fault(["x-bin", value])?.reason).toBe("METADATA_INVALID");
    expect(fault(["x-bi", value.trimEnd()])).toBeUndefined();
  });

  it("RPC-10 takes base64 of 6,000 bytes without thinking long", () => {
    expect(fault(["x-bin", `${"A".repeat(6_000)}=`])?.reason).toBe("METADATA_INVALID");
    expect(fault(["x-bin", "A".repeat(6_000)])).toBeUndefined();
  });

  it("echoes nothing of what it refuses", () => {
    expect(fault(["x-secret-bin", "hunter2!"])?.message).not.toMatch(/secret|hunter2/);
  });
});
