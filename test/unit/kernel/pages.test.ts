import { expect, it } from "vitest";
import { pageSizeOf } from "../../../src/kernel/pages.ts";

it.each([
  [0, 50],
  [1, 1],
  [500, 500],
  [501, 500],
  [2_147_483_647, 500],
])("AZ-08 a page size of %i is read as %i", (asked, read) => {
  expect(pageSizeOf(asked)).toBe(read);
});
