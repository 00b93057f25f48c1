// PHC strings: strict form, bounded cost.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { boundsFor, decoyPhc, hardestCost, isBehind, parseArgon2Phc } from "../../../../src/auth/domain/phc.ts";

const salt = "AAAAAAAAAAAAAAAAAAAAAA";
const tag = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const good = `$argon2id$v=19$m=65536,t=3,p=2$${salt}$${tag}`;
const current = { memoryKib: 65_536, iterations: 3, parallelism: 2 };

describe("parseArgon2Phc", () => {
  it("T-05 M-04 reads what we write", () => {
    expect(parseArgon2Phc(good, hardestCost)).toEqual({
      variant: "argon2id",
      memoryKib: 65_536,
      iterations: 3,
      parallelism: 2,
      saltBytes: 16,
      tagBytes: 32,
    });
  });

  it.each([
    ["4 TiB of memory", good.replace("65536", "4294967295")],
    ["more memory than 1 GiB", good.replace("65536", "1048577")],
    ["more passes", good.replace("t=3", "t=11")],
    ["more lanes", good.replace("p=2", "p=17")],
    ["less memory than its lanes need", good.replace("m=65536", "m=15")],
    ["no passes", good.replace("t=3", "t=0")],
    ["numbers with leading zeros", good.replace("t=3", "t=03")],
    ["negative numbers", good.replace("t=3", "t=-3")],
    ["numbers beyond all bounds", good.replace("65536", "9".repeat(40))],
    ["parameters in another order", good.replace("m=65536,t=3", "t=3,m=65536")],
    ["a parameter twice", good.replace("t=3", "t=3,t=1")],
    ["further parameters", good.replace("p=2", "p=2,keyid=AAAA")],
    ["version 16", good.replace("v=19", "v=16")],
    ["no version", good.replace("$v=19", "")],
    ["another algorithm", good.replace("argon2id", "bcrypt")],
    ["padded base64", `${good}=`],
    ["stray bits in the salt", good.replace(salt, `${salt.slice(0, -1)}B`)],
    ["a salt too short", good.replace(salt, "AAAAAAA")],
    ["a tag too short", good.replace(tag, salt.slice(0, 20))],
    ["a tag too long", good.replace(tag, "A".repeat(88))],
    ["something in front", ` ${good}`],
    ["something behind", `${good}\n`],
    ["endless text", good + "A".repeat(10_000)],
    ["nothing", ""],
  ])("PWD-19 refuses %s", (_title, text) => {
    expect(parseArgon2Phc(text, hardestCost)).toBeUndefined();
  });

  it("PWD-19 never throws, whatever the text", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.string().map((text) => good.slice(0, 20) + text),
        ),
        (text) => {
          const parsed = parseArgon2Phc(text, hardestCost);
          return parsed === undefined || parsed.memoryKib <= hardestCost.memoryKib;
        },
      ),
    );
  });

  it("takes what the operator asks for beyond the bounds", () => {
    const costly = { memoryKib: 2_097_152, iterations: 20, parallelism: 32 };
    const text = decoyPhc(costly, new Uint8Array(16), new Uint8Array(32));
    expect(parseArgon2Phc(text, hardestCost)).toBeUndefined();
    expect(parseArgon2Phc(text, boundsFor(costly))).toMatchObject(costly);
  });

  it("PWD-14 writes decoys that are read as any other", () => {
    const random = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(random, (bytes) => {
        expect(parseArgon2Phc(decoyPhc(current, bytes.subarray(0, 16), bytes), hardestCost)).toMatchObject(current);
      }),
    );
  });
});

describe("isBehind", () => {
  const hash = parseArgon2Phc(good, hardestCost)!;
  it.each([
    ["less memory", { memoryKib: 19_456 }, true],
    ["fewer passes", { iterations: 2 }, true],
    ["a short salt", { saltBytes: 8 }, true],
    ["a short tag", { tagBytes: 16 }, true],
    ["another variant", { variant: "argon2i" as const }, true],
    ["fewer lanes", { parallelism: 1 }, false],
    ["more of everything", { memoryKib: 131_072, iterations: 4 }, false],
    ["the same", {}, false],
  ])("PWD-18 judges %s", (_title, part, behind) => {
    expect(isBehind({ ...hash, ...part }, current)).toBe(behind);
  });
});
