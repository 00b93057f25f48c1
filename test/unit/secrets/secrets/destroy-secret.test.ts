import { SecretVersionState } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { describe, expect, it } from "vitest";
import { destroySecret } from "../../../../src/secrets/secrets/destroy-secret.ts";
import { changing } from "./changing.ts";

describe("DestroySecret", () => {
  it("answers the versions as they are now, oldest first, and names them in the record", async () => {
    const { change, call } = changing(destroySecret, { enabled: [1, 2], deleted: [3] });
    const answer = await change([3, 1]);
    expect(answer.versions.map(({ version, state }) => [version, state])).toEqual([
      [1, SecretVersionState.DESTROYED],
      [3, SecretVersionState.DESTROYED],
    ]);
    expect(call.audit.resources).toEqual([{ type: "secret", uid: "team/db" }]);
    expect(call.audit.details).toEqual({ versions: [3, 1] });
  });

  it("SEC-03 names a single version where events are looked up by it", async () => {
    const { change, call } = changing(destroySecret, { enabled: [1] });
    await change([1]);
    expect(call.audit.resources).toEqual([{ type: "secret", uid: "team/db", version: 1 }]);
  });

  it("refuses when one of them is not there, and changes none", async () => {
    const { change, database } = changing(destroySecret, { enabled: [1] });
    await expect(change([1, 2])).rejects.toMatchObject({ reason: "SECRET_NOT_FOUND", code: 5 });
    expect(database.commits()).toBe(0);
  });

  it("SEC-01 is final: what is destroyed already stays as it is, and is no error", async () => {
    const { change } = changing(destroySecret, { destroyed: [1, 2] });
    expect((await change([1, 2])).versions.map(({ state }) => state)).toEqual([
      SecretVersionState.DESTROYED,
      SecretVersionState.DESTROYED,
    ]);
  });
});
