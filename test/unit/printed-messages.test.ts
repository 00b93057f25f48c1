// Every message of every method, filled with values that must not be seen: whatever is printed of it shows none of them.
import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import { createRegistry, type DescMessage, type DescService } from "@bufbuild/protobuf";
import { FieldData } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { services } from "../../clients/typescript/src/core/services.ts";
import { createLogger } from "../../src/logging.ts";
import { contractFiles, printMessage } from "../../src/printed-messages.ts";
import { filledMessage } from "../fakes/filled-message.ts";
import { findIn, needlesOf } from "../integration/server/canaries.ts";

const hidden = `hid/den ${randomBytes(9).toString("hex")}+`;
const shown = `shown${randomBytes(9).toString("hex")}`;
const needles = needlesOf([{ name: "hidden", value: hidden }]);
const served = (Object.values(services) as readonly DescService[]).flatMap(({ methods }) =>
  methods.flatMap(({ input, output }) => [input, output]),
);
const types: readonly (readonly [string, DescMessage])[] = [...new Set(served)].map((type) => [type.typeName, type]);

function logged(value: object): string {
  const lines: string[] = [];
  const stream = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ level: "debug", clock: { now: () => new Date(0) }, stream, printMessage });
  logger.debug({ request: value, list: [value], err: new Error("x", { cause: value }), error_id: "1" }, "tried");
  return lines.join("");
}

describe("a message in a log line", () => {
  it("of every method is of a type that the printer knows", () => {
    const registry = createRegistry(...contractFiles);
    expect(types.length).toBeGreaterThan(40);
    expect(types.filter(([name]) => registry.getMessage(name) === undefined)).toEqual([]);
  });

  it.each(types)("AUD-14 SEC-05 P-05 T-09 of type %s shows no text but public text", (_name, schema) => {
    fc.assert(
      fc.property(fc.gen(), (random) => {
        const message = filledMessage(schema, {
          choose: (below) => random(fc.nat, { max: below - 1 }),
          text: (kind) => (kind === FieldData.PUBLIC ? shown : hidden),
        });
        const text = logged(message);
        expect(findIn(Buffer.from(text), needles)).toEqual([]);
        expect(text).not.toContain(hidden.split(" ")[1]);
      }),
      { numRuns: 25 },
    );
  });

  it("AUD-14 still shows what is public", () => {
    const all = types.map(([, schema]) => filledMessage(schema, { choose: (below) => below - 1, text: () => shown }));
    expect(all.filter((message) => logged(message).includes(shown)).length).toBeGreaterThan(20);
  });

  it("would be found out if it were printed in any other way", () => {
    const [, schema] = types.find(([name]) => name.endsWith(".LoginRequest")) ?? [];
    if (schema === undefined) throw new Error("there is no login");
    const message = filledMessage(schema, { choose: (below) => below - 1, text: () => hidden });
    expect(findIn(Buffer.from(inspect(message)), needles)).not.toEqual([]);
  });
});
