// The order of the chain is checked, so that a step cannot slip before one that it relies upon.
import { describe, expect, it } from "vitest";
import { checkOrder, type Step } from "../../../src/rpc/step.ts";
import { createFakeChain } from "../../fakes/chain.ts";

const step = (name: string, after?: readonly string[]): Step => ({
  name,
  reason: "for the test",
  ...(after === undefined ? {} : { after }),
});

describe("the order of steps", () => {
  it("RPC-12 is taken when everything stands after what it needs", () => {
    const steps = [step("a"), step("b", ["a"]), step("c", ["a", "b"])];
    expect(checkOrder(steps)).toBe(steps);
  });

  it("RPC-12 is refused when a step stands before one that it needs, or the needed one is missing", () => {
    expect(() => checkOrder([step("b", ["a"]), step("a")])).toThrow("step b must come after a");
    expect(() => checkOrder([step("b", ["a"])])).toThrow("step b must come after a");
    expect(() => checkOrder([step("a", ["a"])])).toThrow("step a must come after a");
  });

  it("RPC-12 is refused when a step stands twice", () => {
    expect(() => checkOrder([step("a"), step("a")])).toThrow("step a stands twice");
  });

  it("RPC-12 of the chain that serves is the reviewed one, and every step says why it is there", () => {
    const { steps } = createFakeChain();
    expect(steps.map(({ name }) => name)).toEqual([
      "log",
      "shed",
      "audit",
      "deadline",
      "address limit",
      "authenticate",
      "principal limit",
      "concurrency",
      "decode",
      "authorise",
      "validate",
      "request limit",
      "replay",
    ]);
    for (const { reason } of steps) expect(reason.length).toBeGreaterThan(10);
  });

  it("RPC-12 of the chain that serves cannot lose or move a step that others rely upon", () => {
    const { steps } = createFakeChain();
    const needed = new Set(steps.flatMap(({ after }) => after ?? []));
    for (const name of needed)
      expect(() => checkOrder(steps.filter((s) => s.name !== name))).toThrow("must come after");
    const at = (name: string) => steps.findIndex((s) => s.name === name);
    for (const one of steps) for (const name of one.after ?? []) expect(at(name)).toBeLessThan(at(one.name));
  });
});
