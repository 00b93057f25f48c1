import { SecretVersionState } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { describe, expect, it } from "vitest";
import { undeleteSecret } from "../../../../src/secrets/secrets/undelete-secret.ts";
import { changing } from "./changing.ts";

describe("UndeleteSecret", () => {
  it("answers the versions as they are now, oldest first, and names them in the record", async () => {
    const { change, call } = changing(undeleteSecret, { enabled: [1, 2], deleted: [3] });
    const answer = await change([3, 1]);
    expect(answer.versions.map(({ version, state }) => [version, state])).toEqual([
      [1, SecretVersionState.ENABLED],
      [3, SecretVersionState.ENABLED],
    ]);
    expect(call.audit.resources).toEqual([{ type: "secret", uid: "team/db" }]);
    expect(call.audit.details).toEqual({ versions: [3, 1] });
  });

  it("SEC-03 names a single version where events are looked up by it", async () => {
    const { change, call } = changing(undeleteSecret, { enabled: [1] });
    await change([1]);
    expect(call.audit.resources).toEqual([{ type: "secret", uid: "team/db", version: 1 }]);
  });

  it("refuses when one of them is not there, and changes none", async () => {
    const { change, database } = changing(undeleteSecret, { enabled: [1] });
    await expect(change([1, 2])).rejects.toMatchObject({ reason: "SECRET_NOT_FOUND", code: 5 });
    expect(database.commits()).toBe(0);
  });

  it("SEC-01 never brings back what is destroyed", async () => {
    const { change, database } = changing(undeleteSecret, { deleted: [1], destroyed: [2] });
    await expect(change([2])).rejects.toMatchObject({ reason: "SECRET_VERSION_DESTROYED", code: 9 });
    expect(database.commits()).toBe(0);
  });
});
