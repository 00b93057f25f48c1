// AuthService.Register: makes a person who holds nothing.
import { create } from "@bufbuild/protobuf";
import { type AuthService, RegisterResponseSchema } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import type { Reader, Transaction } from "../../kernel/database.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import type { Call, UnaryHandler } from "../../kernel/handler.ts";
import { formatId } from "../../kernel/ids.ts";
import type { Macs } from "../../kernel/sealing.ts";
import { isUsableInvitation, takeInvitation } from "../directory/store.ts";
import { isOneTimeToken } from "../domain/one-time-token.ts";
import { lookupMacs } from "../lookup-macs.ts";
import { loginNameTaken, type PrepareNewcomer } from "./newcomer.ts";
import { recordedAs } from "./recorded-as.ts";

export type RegistrationMode = "off" | "invite" | "open";

export interface RegisterDeps {
  readonly mode: RegistrationMode;
  readonly reader: Reader;
  readonly macs: Macs;
  readonly prepareNewcomer: PrepareNewcomer;
}

/** In the transaction: uses the right to register up, in the newcomer's name. */
type Admit = (tx: Transaction, newcomerId: string) => Promise<void>;

function invitationInvalid(auditReason: string): GatehouseError {
  return new GatehouseError("INVITATION_INVALID", { auditReason });
}

/** Unknown, used and expired invitations get one answer, before any work on the password. */
async function byInvitation({ reader, macs }: RegisterDeps, invitation: string, call: Call): Promise<Admit> {
  if (!isOneTimeToken("invitation", invitation)) throw invitationInvalid("INVITATION_MALFORMED");
  const hashes = lookupMacs(macs, "token-hash", ["invitation", invitation]);
  if (!(await isUsableInvitation(reader, hashes, call.now))) throw invitationInvalid("INVITATION_NOT_USABLE");
  return async (tx, newcomerId) => {
    const used = await takeInvitation(tx, hashes, newcomerId, call.now);
    if (used === undefined) throw invitationInvalid("INVITATION_JUST_USED");
    call.audit.resources.push({ type: "invitation", uid: formatId("invitation", used) });
  };
}

async function admission(deps: RegisterDeps, invitation: string, call: Call): Promise<Admit> {
  if (deps.mode === "off") throw new GatehouseError("REGISTRATION_CLOSED");
  return deps.mode === "open" ? async () => {} : byInvitation(deps, invitation, call);
}

export function createRegister(deps: RegisterDeps): UnaryHandler<typeof AuthService.method.register> {
  return async (request, call) => {
    call.audit.personal.loginName = request.loginName;
    call.audit.details.registration = deps.mode;
    const admit = await admission(deps, request.invitation, call);
    const newcomer = await deps.prepareNewcomer(request, call.now, call.signal);
    const principalId = formatId("principal", newcomer.id);
    const answer = create(RegisterResponseSchema, { principalId });
    return recordedAs(call, newcomer, () =>
      call.commit(async (tx) => {
        await newcomer.store(tx);
        await admit(tx, newcomer.id);
        call.audit.resources.push({ type: "principal", uid: principalId });
        return answer;
      }),
    ).catch(loginNameTaken);
  };
}
