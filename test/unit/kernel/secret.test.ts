// A Secret says nothing, however it is printed, copied or walked through.
import { Console } from "node:console";
import { Writable } from "node:stream";
import { format, formatWithOptions, inspect } from "node:util";
import { serialize } from "node:v8";
import { MessageChannel } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { Secret } from "../../../src/kernel/secret.ts";

const canary = "canary-77e0";
const secret = new Secret(canary);
const nested = new Secret({ key: Buffer.from(canary), more: [canary] });

function printedBy(print: (to: Console) => void): string {
  const written: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      written.push(String(chunk));
      done();
    },
  });
  print(new Console(stream, stream));
  return written.join("");
}

const forms: readonly (readonly [string, (value: Secret<unknown>) => string])[] = [
  ["String()", (value) => String(value)],
  ["a template", (value) => `${value}`],
  ["concatenation", (value) => `a${value as unknown as string}`],
  ["JSON", (value) => JSON.stringify({ value, list: [value] })],
  ["inspect", (value) => inspect(value)],
  ["inspect of what holds it", (value) => inspect({ deep: { deeper: [value] }, map: new Map([[value, value]]) })],
  ["inspect of everything hidden", (value) => inspect({ value }, { showHidden: true, depth: null, getters: true })],
  ["inspect without custom forms", (value) => inspect({ value }, { customInspect: false, showHidden: true })],
  ["format", (value) => format("%s %o %O %j %d", value, value, value, value, value)],
  ["format with options", (value) => formatWithOptions({ showHidden: true }, "%o", value)],
  ["console.log", (value) => printedBy((to) => to.log(value, { value }))],
  ["console.dir", (value) => printedBy((to) => to.dir({ value }, { showHidden: true, depth: null }))],
  ["console.table", (value) => printedBy((to) => to.table([{ value }]))],
  ["an error's message", (value) => inspect(new Error(`no ${value}`))],
  ["an error's cause", (value) => inspect(new Error("no", { cause: value }), { showHidden: true })],
  ["an error's property", (value) => inspect(Object.assign(new Error("no"), { value }))],
  ["its entries", (value) => inspect([Object.entries(value), Reflect.ownKeys(value), { ...value }])],
  ["its prototype", (value) => inspect(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(value)))],
  ["an array joined", (value) => [value, value].join()],
  ["a key of an object", (value) => Object.keys({ [value as unknown as string]: 1 }).join()],
  ["a number", (value) => String(Number(value))],
  ["a date", (value) => value.toLocaleString()],
  ["bytes", (value) => serialize({ value }).toString("latin1")],
];

describe("SEC-05 T-09 a Secret", () => {
  it.each(forms)("is masked as %s", (_form, print) => {
    for (const value of [secret, nested]) {
      const text = print(value);
      expect(text).not.toContain(canary);
      expect(text).not.toContain(Buffer.from(canary).toString("hex").match(/../g)?.join(" "));
    }
  });

  it.each(forms.slice(0, 7))("says that something was masked as %s", (_form, print) => {
    expect(print(secret)).toContain("[redacted]");
  });

  it("is not cloned, neither alone nor inside something", () => {
    for (const value of [secret, { secret }, [nested], new Map([[1, secret]])])
      expect(() => structuredClone(value)).toThrow(/clone/i);
    const { port1, port2 } = new MessageChannel();
    expect(() => port1.postMessage({ secret })).toThrow(/clone/i);
    port1.close();
    port2.close();
  });

  it("gives its value when it is asked for it", () => {
    expect(secret.expose()).toBe(canary);
  });
});
