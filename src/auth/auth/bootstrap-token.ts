// The one-time token that makes an administrator: at first start for the first one, by `gatehouse admin recover` for the
// day all are lost. Its keyed hash is in Postgres, so any replica takes it; the token itself is in a file of its owner.
import type { AuditDraft } from "../../kernel/audit.ts";
import type { Reader, Transaction } from "../../kernel/database.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import type { Macs } from "../../kernel/sealing.ts";
import { systemRecord } from "../../kernel/system-record.ts";
import type { UnitOfWork } from "../../kernel/unit-of-work.ts";
import { isOneTimeToken, makeOneTimeToken } from "../domain/one-time-token.ts";
import { lastingAdministrators, lockAccessChanges } from "../grant/store.ts";
import { lookupMacs } from "../lookup-macs.ts";
import { endBootstrapTokens, insertBootstrapToken, isLiveBootstrapToken, takeBootstrapToken } from "./store.ts";
import type { TokenFile } from "./token-file.ts";

type Kind = "bootstrap" | "recovery";

export interface BootstrapTokensDeps {
  readonly reader: Reader;
  readonly unitOfWork: UnitOfWork;
  readonly macs: Macs;
  readonly file: TokenFile;
}

export interface BootstrapTokens {
  /** While no administrator exists: a fresh token, older ones die; the path of its file. Otherwise undefined. */
  ensure(now: Date): Promise<string | undefined>;
  /** A token that makes an administrator whoever there is; the path of its file. */
  recover(now: Date): Promise<string>;
  /** Throws BOOTSTRAP_REFUSED, or answers how to use the token up in the transaction, which may refuse as well. */
  check(token: string, now: Date): Promise<(tx: Transaction) => Promise<Kind>>;
  /** Removes the file once its token is of no more use. */
  tidy(now: Date): Promise<void>;
}

const lifetimeMs = 3_600_000;

function refused(auditReason: string): GatehouseError {
  return new GatehouseError("BOOTSTRAP_REFUSED", { auditReason });
}

/** Another replica's bootstrap came first. */
const administratorMade = "ADMINISTRATOR_EXISTS";

function ignoreAdministratorMade(error: unknown): undefined {
  if (!(error instanceof GatehouseError) || error.auditReason !== administratorMade) throw error;
}

function creation(kind: Kind, now: Date): AuditDraft {
  return systemRecord({
    event: kind === "bootstrap" ? "authn.bootstrap_token_created" : "authn.recovery_token_created",
    now,
  });
}

function kindOf(token: string): Kind | undefined {
  if (isOneTimeToken("bootstrap", token)) return "bootstrap";
  return isOneTimeToken("recovery", token) ? "recovery" : undefined;
}

async function administratorExists(reader: Reader, now: Date): Promise<boolean> {
  return (await lastingAdministrators(reader, now)).length > 0;
}

export function createBootstrapTokens({ reader, unitOfWork, macs, file }: BootstrapTokensDeps): BootstrapTokens {
  /** The hash is durable before the file is written: a crash between leaves a token that nobody knows. */
  async function issue(kind: Kind, now: Date): Promise<string> {
    const token = makeOneTimeToken(kind);
    const hash = macs.mac("token-hash", ["bootstrap", token]);
    await unitOfWork.commit(creation(kind, now), async (tx) => {
      await lockAccessChanges(tx);
      if (kind === "bootstrap" && (await administratorExists(tx, now))) throw refused(administratorMade);
      await endBootstrapTokens(tx, now);
      await insertBootstrapToken(tx, { hash, now, expiresAt: new Date(now.getTime() + lifetimeMs) });
    });
    return file.write(token);
  }

  async function ensure(now: Date): Promise<string | undefined> {
    if (!(await administratorExists(reader, now))) {
      const path = await issue("bootstrap", now).catch(ignoreAdministratorMade);
      if (path !== undefined) return path;
    }
    await tidy(now);
    return undefined;
  }

  async function isLive(token: string, now: Date): Promise<boolean> {
    return isLiveBootstrapToken(reader, lookupMacs(macs, "token-hash", ["bootstrap", token]), now);
  }

  async function check(token: string, now: Date) {
    const kind = kindOf(token);
    if (kind === undefined) throw refused("BOOTSTRAP_TOKEN_MALFORMED");
    if (!(await isLive(token, now))) throw refused("BOOTSTRAP_TOKEN_NOT_USABLE");
    const hashes = lookupMacs(macs, "token-hash", ["bootstrap", token]);
    return async (tx: Transaction): Promise<Kind> => {
      await lockAccessChanges(tx);
      if (!(await takeBootstrapToken(tx, hashes, now))) throw refused("BOOTSTRAP_TOKEN_JUST_USED");
      if (kind === "bootstrap" && (await administratorExists(tx, now))) throw refused(administratorMade);
      return kind;
    };
  }

  async function tidy(now: Date): Promise<void> {
    const token = await file.read();
    if (token !== undefined && !(await isLive(token, now))) await file.remove();
  }

  return { ensure, recover: (now) => issue("recovery", now), check, tidy };
}
