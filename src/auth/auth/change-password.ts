// AuthService.ChangePassword: a new password for whoever shows the one in force, and an end to everything that was handed out before
// (docs/decisions/0051-changed-passwords.md).
import { create } from "@bufbuild/protobuf";
import { type AuthService, ChangePasswordResponseSchema } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import type { Reader, Transaction } from "../../kernel/database.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import { type Call, callerOf, type UnaryHandler } from "../../kernel/handler.ts";
import { formatId } from "../../kernel/ids.ts";
import type { Generations, Standings } from "../../kernel/ports.ts";
import type { Principal } from "../../kernel/principal.ts";
import type { SubjectKeys } from "../../kernel/sealing.ts";
import type { PreparedSession, Sessions } from "../../kernel/sessions.ts";
import type { Passwords, StoredPassword } from "../password/passwords.ts";
import { openProfile } from "../person/profile.ts";
import { byPassword } from "./first-session.ts";
import { changePassword, findOwnCredential, type OwnCredential } from "./store.ts";
import { tokenSetOf } from "./token-set.ts";

export interface ChangePasswordDeps {
  readonly reader: Reader;
  readonly passwords: Passwords;
  readonly standings: Pick<Standings, "fresh">;
  readonly generations: Generations;
  readonly subjectKeys: Pick<SubjectKeys, "open">;
  readonly sessions: Pick<Sessions, "prepareSuccessor" | "endAll">;
}

const endReason = "PASSWORD_CHANGED";

/** Bare, as for any other token that is dead: something else ended the caller's session, perhaps a change like this one. */
function sessionOver(): GatehouseError {
  return new GatehouseError("CREDENTIAL_INVALID", { auditReason: "TOKEN_REVOKED" });
}

interface Person extends Principal {
  readonly sessionId: string;
}

/** Whoever acts for a person was lent some of what it may do, and never the person itself. Throws PERSON_REQUIRED. */
function personOf(call: Call): Person {
  const caller = callerOf(call);
  const { kind, sessionId, delegated } = caller;
  if (kind !== "person" || sessionId === undefined || delegated === true) throw new GatehouseError("PERSON_REQUIRED");
  return { ...caller, sessionId };
}

export function createChangePassword(deps: ChangePasswordDeps): UnaryHandler<typeof AuthService.method.changePassword> {
  const { reader, passwords, standings, generations, subjectKeys, sessions } = deps;

  /** As of now, whatever this process remembers: what is proven here must be what the change rests on. */
  async function credentialOf({ id, standing }: Person): Promise<OwnCredential> {
    const own = await findOwnCredential(reader, id);
    if (own === undefined || !own.active || own.generation !== standing.generation) throw sessionOver();
    return own;
  }

  /** The order matters: counted, then hashed, and nothing is said of the new password before the old one is right. */
  async function prove(own: OwnCredential, currentPassword: string, loginName: string, call: Call): Promise<void> {
    await call.guess(loginName);
    const matches = await passwords.matches(own, currentPassword, call.signal);
    if (!matches) throw new GatehouseError("CURRENT_PASSWORD_WRONG");
  }

  /** A new one and not the caller's own, so that whoever has a copy of its tokens is out as well. */
  async function successorFor(person: Person, generation: number, call: Call): Promise<PreparedSession> {
    const standing = await standings.fresh(person.id);
    if (standing?.active !== true) throw sessionOver();
    const { now, peer } = call;
    const session = { former: person, standing: { ...standing, generation }, ...byPassword, peer, now };
    const prepared = await sessions.prepareSuccessor(session);
    if (prepared === undefined) throw sessionOver();
    return prepared;
  }

  /** Whoever raised the generation in between, another change among them, was first: this one rests on what is no more. */
  async function replace(tx: Transaction, person: Person, generation: number, made: StoredPassword, now: Date) {
    if ((await generations.raise(tx, person.id, now)) !== generation) throw sessionOver();
    await changePassword(tx, made, now);
    const ended = await sessions.endAll(tx, person.id, endReason, now);
    if (!ended.includes(person.sessionId)) throw sessionOver();
    return ended.length;
  }

  return async ({ currentPassword, newPassword }, call) => {
    const person = personOf(call);
    const own = await credentialOf(person);
    const profile = await openProfile(subjectKeys, person.id, own.profile);
    await prove(own, currentPassword, profile.loginName, call);
    await passwords.acceptInPlaceOf(currentPassword, newPassword, profile, call.signal);
    const made = await passwords.make(person.id, newPassword, call.signal);
    const generation = own.generation + 1;
    const session = await successorFor(person, generation, call);
    const { tokens } = session;
    call.audit.resources.push({ type: "session", uid: formatId("session", tokens.sessionId) });
    return call.commit(async (tx) => {
      const endedSessions = await replace(tx, person, generation, made, call.now);
      await session.store(tx);
      call.audit.details.ended_sessions = endedSessions;
      return create(ChangePasswordResponseSchema, { tokens: tokenSetOf(tokens), endedSessions });
    });
  };
}
