// A person in the making: everything slow is done before the transaction, so that it holds three statements.
import type { Transaction } from "../../kernel/database.ts";
import { isUniqueViolation } from "../../kernel/database.ts";
import { GatehouseError, invalidField } from "../../kernel/errors.ts";
import { uuidv7 } from "../../kernel/ids.ts";
import { normaliseLoginName } from "../../kernel/login-name.ts";
import type { Macs, PreparedSubjectKey, SubjectKeys } from "../../kernel/sealing.ts";
import { loginNameFault } from "../domain/login-name.ts";
import { loginNameParts } from "../domain/login-name-index.ts";
import type { Passwords } from "../password/passwords.ts";
import { encodeProfile, profileBinding } from "../person/profile.ts";
import { insertPerson, loginNameOnce } from "./store.ts";

export interface NewcomersDeps {
  readonly passwords: Passwords;
  readonly subjectKeys: SubjectKeys;
  readonly macs: Macs;
}

export interface Newcomer {
  readonly id: string;
  readonly seal: PreparedSubjectKey["seal"];
  /** Raises the violation that `loginNameTaken` tells. */
  store(tx: Transaction): Promise<void>;
}

export interface NewcomerRequest {
  readonly loginName: string;
  readonly displayName: string;
  readonly password: string;
}

/** Makes newcomers. Errors: REQUEST_INVALID, PASSWORD_UNACCEPTABLE, LOGIN_BUSY, KEYS_UNAVAILABLE. */
export type PrepareNewcomer = (request: NewcomerRequest, now: Date, signal: AbortSignal) => Promise<Newcomer>;

export function createNewcomers({ passwords, subjectKeys, macs }: NewcomersDeps): PrepareNewcomer {
  return async (request, now, signal) => {
    const fault = loginNameFault(request.loginName);
    if (fault !== undefined) throw invalidField("login_name", fault);
    await passwords.accept(request.password, request, signal);
    const id = uuidv7(now);
    const password = await passwords.make(id, request.password, signal);
    const key = await subjectKeys.prepare(id);
    const person = {
      id,
      loginNameIndex: macs.mac("blind-index", loginNameParts(normaliseLoginName(request.loginName))),
      profile: key.seal(profileBinding(id), encodeProfile(request)),
      password,
      now,
    };
    const store = async (tx: Transaction): Promise<void> => {
      await insertPerson(tx, person);
      await key.store(tx);
    };
    return { id, seal: key.seal, store };
  };
}

/** Postgres decides who was first; everything before was the same work for both. */
export function loginNameTaken(error: unknown): never {
  throw isUniqueViolation(error, loginNameOnce) ? new GatehouseError("LOGIN_NAME_TAKEN", { cause: error }) : error;
}
