// CreateServiceAccount: a principal without anything, with a key of its own for what the trail knows of it.
import { create } from "@bufbuild/protobuf";
import {
  CreateServiceAccountRequestSchema,
  type CreateServiceAccountResponse,
} from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import { describe, expect, it } from "vitest";
import { createCreateServiceAccount } from "../../../../src/auth/service-account/create-service-account.ts";
import { parseId } from "../../../../src/kernel/ids.ts";
import { alice } from "../../../fakes/principal.ts";
import { fakeSubjectKeys } from "../../../fakes/subject-keys.ts";
import { accountsWorld } from "./accounts-world.ts";

describe("CreateServiceAccount", () => {
  it("stores principal, account and subject key together, and grants nothing", async () => {
    const { database, call } = accountsWorld();
    const subjectKeys = fakeSubjectKeys();
    const request = create(CreateServiceAccountRequestSchema, { displayName: "cart" });
    const answer = (await createCreateServiceAccount({ subjectKeys })(request, call)) as CreateServiceAccountResponse;
    const { principalId = "" } = answer.serviceAccount ?? {};
    expect(answer.serviceAccount).toMatchObject({ displayName: "cart", disabled: false, creatorId: `prn_${alice}` });
    expect(database.asked).toEqual(["auth.insert_machine_principal", "auth.insert_service_account"]);
    expect(subjectKeys.stored).toEqual([parseId("principal", principalId)]);
    expect([database.commits(), call.audit.resources]).toEqual([1, [{ type: "principal", uid: principalId }]]);
  });
});
