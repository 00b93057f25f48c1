// The protocols of the web, held against the library of those who made them.
import { Code } from "@connectrpc/connect";
import {
  codeToHttpStatus,
  codeToString,
  endStreamFlag as connectEndStreamFlag,
  parseContentType as parseConnectType,
} from "@connectrpc/connect/protocol-connect";
import {
  trailerFlag as grpcWebTrailerFlag,
  parseContentType as parseGrpcWebType,
} from "@connectrpc/connect/protocol-grpc-web";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  connectCode,
  endStreamFlag,
  httpStatusOfCode,
  parseConnect,
  parseGrpcWeb,
  trailerFlag,
} from "../../../../src/rpc/web/protocols.ts";

const codes = Object.values(Code).filter((code): code is Code => typeof code === "number");

describe("the protocols of the web", () => {
  it("name every code, and give it an HTTP status, as the library does", () => {
    expect(codes).toHaveLength(16);
    expect(codes.map((code) => [connectCode(code), httpStatusOfCode(code)])).toEqual(
      codes.map((code) => [codeToString(code), codeToHttpStatus(code)]),
    );
  });

  it("flag the last envelope as the library does", () => {
    expect([endStreamFlag, trailerFlag]).toEqual([connectEndStreamFlag, grpcWebTrailerFlag]);
  });

  const piece = fc.constantFrom(
    "application/",
    "connect+",
    "json",
    "proto",
    "grpc-web",
    "-text",
    "+",
    "+proto",
    "+json",
    "; charset=utf-8",
    ";charset=UTF8",
    "grpc",
    " ",
    "JSON",
    "",
  );

  it("read content types as the library does", () => {
    const given = fc.oneof(
      fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join("")),
      fc.string(),
    );
    fc.assert(
      fc.property(given, (type) => {
        expect(parseConnect(type)).toEqual(parseConnectType(type));
        expect(parseGrpcWeb(type)).toEqual(parseGrpcWebType(type));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ["application/json", { stream: false, binary: false }],
    ["application/connect+proto", { stream: true, binary: true }],
    ["application/proto; charset=utf-8", undefined],
    ["text/json", undefined],
  ])("read %s", (type, expected) => {
    expect(parseConnect(type)).toEqual(expected);
  });
});
