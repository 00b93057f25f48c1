// What a message looks like in a log: public text and numbers, and a mask for everything else, however it is packed.
import { create, createRegistry, type Message, toBinary } from "@bufbuild/protobuf";
import { anyPack, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import {
  AppendEventRequestSchema,
  EventSchema,
  ResourceSchema,
} from "../../../gen/ts/gatehouse/audit/v1/audit_service_pb.js";
import { LoginRequestSchema } from "../../../gen/ts/gatehouse/auth/v1/auth_service_pb.js";
import { PutSecretRequestSchema } from "../../../gen/ts/gatehouse/secrets/v1/secrets_service_pb.js";
import { type Bounds, createRedactor } from "../../../src/rpc/redact.ts";
import { oddMessage as odd, oddSchema } from "../../fakes/odd-messages.ts";

const types = createRegistry(
  AppendEventRequestSchema,
  EventSchema,
  LoginRequestSchema,
  PutSecretRequestSchema,
  oddSchema,
);
const print = (message: Message, bounds?: Bounds) =>
  createRedactor({ types, ...(bounds === undefined ? {} : { bounds }) }).printable(message);
const canary = "canary-90ab";

describe("the printable form of a message", () => {
  it("AUD-14 DAT-05 shows public text and numbers, and masks what is personal or secret", () => {
    expect(print(create(LoginRequestSchema, { loginName: canary, password: canary, deviceName: "" }))).toEqual({
      "@type": "gatehouse.auth.v1.LoginRequest",
      login_name: "[redacted]",
      password: "[redacted]",
    });
    const put = create(PutSecretRequestSchema, { path: "team/key", value: Buffer.from(canary), expectedVersion: 3 });
    expect(print(put)).toMatchObject({ path: "team/key", value: "[redacted]", expected_version: 3 });
  });

  it("AUD-14 shows times, and messages inside messages field by field", () => {
    const resources = [create(ResourceSchema, { type: "secret", uid: "team/key", version: 2 })];
    const time = timestampFromDate(new Date("2026-11-21T10:00:00Z"));
    expect(print(create(EventSchema, { resources, occurTime: time }))).toMatchObject({
      resources: [{ type: "secret", uid: "team/key", version: 2 }],
      occur_time: "2026-11-21T10:00:00.000Z",
    });
  });

  it.each<[string, Record<string, unknown>]>([
    ["an unmarked text", { unmarked: canary }],
    ["unmarked bytes", { unmarkedBytes: Buffer.from(canary) }],
    ["an unmarked list", { unmarkedList: [canary, canary] }],
    ["the keys and values of an unmarked map", { unmarkedMap: { [canary]: canary } }],
    ["the keys of a map of messages", { messageMap: { [canary]: { unmarked: canary } } }],
    ["a text inside a oneof", { choice: { case: "chosenText", value: canary } }],
    ["a message inside a oneof", { choice: { case: "chosenMessage", value: { unmarked: canary } } }],
    ["a message that is secret as a whole", { secretMessage: { shown: canary } }],
    ["a number that is secret", { secretNumber: 90210 }],
    ["a struct", { struct: { [canary]: { [canary]: [canary] } } }],
    ["a wrapped text", { wrapped: canary }],
    ["the paths of a field mask", { fieldMask: { paths: [canary] } }],
  ])("AUD-14 masks %s", (_what, fields) => {
    const text = JSON.stringify(print(odd(fields)));
    expect(text).toContain("[redacted]");
    expect(text).not.toMatch(new RegExp(`${canary}|90210|${Buffer.from(canary).toString("hex")}`));
  });

  it("AUD-14 shows what is public in every packing", () => {
    const fields = {
      shown: "plain",
      shownMap: { a: "b" },
      messageMap: { key: { shown: "inner" } },
      choice: { case: "chosenMessage", value: { shown: "chosen" } },
      flag: true,
      large: 2n ** 60n,
      shownBytes: Buffer.from([1, 255]),
      shownStruct: { a: "in a struct" },
      duration: { seconds: 90n, nanos: 0 },
    };
    expect(print(odd(fields))).toMatchObject({
      shown: "plain",
      shown_map: [{ key: "a", value: "b" }],
      message_map: [{ key: "[redacted]", value: { shown: "inner" } }],
      chosen_message: { shown: "chosen" },
      flag: true,
      large: "1152921504606846976",
      shown_bytes: "01ff",
      duration: "90s",
    });
    expect(JSON.stringify(print(odd(fields)))).toContain("in a struct");
  });

  it("AUD-14 opens an Any of ours field by field, and shows nothing of any other, its address included", () => {
    const inner = odd({ shown: "plain", unmarked: canary });
    expect(print(odd({ any: anyPack(oddSchema, inner) }))).toMatchObject({
      any: { shown: "plain", unmarked: "[redacted]" },
    });
    for (const any of [
      { typeUrl: `type.googleapis.com/${canary}`, value: Buffer.from(canary) },
      { typeUrl: "type.googleapis.com/google.protobuf.StringValue", value: Buffer.from(canary) },
      { typeUrl: `${canary}/gatehouse.auth.v1.LoginRequest`, value: Buffer.from([0xff]) },
    ])
      expect(JSON.stringify(print(odd({ any })))).not.toContain(canary);
  });

  it("AUD-14 counts fields that it does not know, and shows none", () => {
    const newer = toBinary(LoginRequestSchema, create(LoginRequestSchema, { password: canary }));
    const message = odd({ shown: "x" });
    message.$unknown = [{ no: 900, wireType: 2, data: newer }];
    expect(print(message)).toEqual({ "@type": "gatehouse.test.v1.Odd", shown: "x", "@unknown": 1 });
  });

  it("is bounded in depth, number and length, whatever it is given", () => {
    let deep = odd({ shown: "bottom" });
    for (let level = 0; level < 50; level += 1) deep = odd({ child: deep });
    expect(JSON.stringify(print(deep))).toContain("[deep]");
    expect(JSON.stringify(print(deep))).not.toContain("bottom");
    const wide = odd({ unmarkedList: Array.from({ length: 10_000 }, () => canary) });
    expect(JSON.stringify(print(wide)).length).toBeLessThan(10_000);
    expect(JSON.stringify(print(wide))).toContain("[+9800]");
    const many = { depth: 8, values: 3, text: 5 };
    expect(print(odd({ shown: "0123456789", flag: true, large: 1n, secretNumber: 1 }), many)).toMatchObject({
      shown: "01234[+5]",
    });
  });

  it("AUD-14 masks what is no such message, and never throws", () => {
    const lies = {
      $typeName: "gatehouse.test.v1.Odd",
      secretNumber: canary,
      large: canary,
      flag: { [canary]: canary },
    };
    expect(JSON.stringify(print(lies as unknown as Message))).not.toContain(canary);
    for (const bare of [{}, { $typeName: canary }, { $typeName: "__proto__" }, { $typeName: 3 }])
      expect(print(bare as Message)).toBe("[redacted]");
    const trap = {
      $typeName: "gatehouse.test.v1.Odd",
      get shown(): string {
        throw new Error(canary);
      },
    };
    expect(print(trap as unknown as Message)).toBe("[redacted]");
    expect(print(create(oddSchema))).toEqual({ "@type": "gatehouse.test.v1.Odd" });
  });
});
