// A collector that is down must not fill the log.
import { expect, it } from "vitest";
import { createComplaint } from "../../../../src/observability/otlp/complaint.ts";
import { createFakeLogger } from "../../../fakes/logger.ts";

it("complains of a collector once a minute, without a word of what it said", () => {
  const logger = createFakeLogger();
  let now = 0;
  const complain = createComplaint(logger, () => now);
  for (const at of [0, 1, 59_999, 60_000, 60_001, 120_000]) {
    now = at;
    complain();
  }
  expect(logger.lines).toHaveLength(3);
  expect(new Set(logger.lines.map(({ level, fields }) => JSON.stringify([level, fields])))).toEqual(
    new Set(['["warn",{}]']),
  );
});
