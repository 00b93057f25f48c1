// What counts as a second factor: a class that says so, borne out by the methods.
import { describe, expect, it } from "vitest";
import { hasSecondFactor } from "../../../src/kernel/assurance.ts";

type Case = readonly [context: string | undefined, methods: readonly string[]];

const enough: readonly Case[] = [
  ["aal2", ["pwd", "otp"]],
  ["aal2", ["pwd", "hwk"]],
  ["aal3", ["hwk", "pin"]],
  ["aal2", ["swk", "user"]],
  ["aal2", ["pwd", "otp", "mfa"]],
];

const tooLittle: readonly Case[] = [
  ["aal1", ["pwd"]],
  ["aal1", ["pwd", "otp"]],
  ["aal2", ["pwd"]],
  ["aal2", ["pwd", "pwd"]],
  ["aal2", ["pwd", "pin"]],
  ["aal2", ["otp"]],
  ["aal2", ["otp", "otp"]],
  ["aal2", ["mfa"]],
  ["aal2", []],
  ["1", ["pwd", "otp"]],
  ["2", ["pwd", "otp"]],
  ["AAL2", ["pwd", "otp"]],
  ["aal2 ", ["pwd", "otp"]],
  ["aal20", ["pwd", "otp"]],
  ["", ["pwd", "otp"]],
  [undefined, ["pwd", "otp"]],
  ["aal2", ["pwd", "OTP"]],
  ["__proto__", ["pwd", "otp"]],
];

describe("a second factor", () => {
  it.each(enough)("CLM-11 is one of class %j by %j", (authenticationContext, authenticationMethods) => {
    expect(hasSecondFactor({ authenticationContext, authenticationMethods })).toBe(true);
  });

  it.each(tooLittle)("CLM-11 is none of class %j by %j", (authenticationContext, authenticationMethods) => {
    expect(hasSecondFactor({ authenticationContext, authenticationMethods })).toBe(false);
  });
});
