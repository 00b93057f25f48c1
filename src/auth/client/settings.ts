// The settings of a client, as the contract has them and as the rules do.
import { create } from "@bufbuild/protobuf";
import { type Duration, durationFromMs, durationMs } from "@bufbuild/protobuf/wkt";
import {
  type ClientSettings,
  ClientSettingsSchema,
  RefreshRotation,
  SenderConstraint,
} from "@gatehouse/proto/gatehouse/auth/v1/client_service_pb.js";
import { JwkSchema } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { type FieldViolation, GatehouseError } from "../../kernel/errors.ts";
import { formatId, parseId } from "../../kernel/ids.ts";
import type { SignatureAlgorithm } from "../../kernel/sealing.ts";
import type { ClientContent } from "../domain/client-rules.ts";
import { readEncryptionKey } from "../domain/encryption-key.ts";

type Rotation = ClientContent["refreshRotation"];
type Constraint = ClientContent["senderConstraint"];

const constraints: Readonly<Record<SenderConstraint, Constraint>> = {
  [SenderConstraint.UNSPECIFIED]: "none",
  [SenderConstraint.NONE]: "none",
  [SenderConstraint.DPOP]: "dpop",
  [SenderConstraint.MTLS]: "mtls",
};

const constraintNumbers: Readonly<Record<Constraint, SenderConstraint>> = {
  none: SenderConstraint.NONE,
  dpop: SenderConstraint.DPOP,
  mtls: SenderConstraint.MTLS,
};

const rotationNumbers: Readonly<Record<Rotation, RefreshRotation>> = {
  rotate: RefreshRotation.ROTATE,
  off: RefreshRotation.OFF,
};

/** Tokens count whole seconds, and so do their lives. */
function lifetime(field: string, value: Duration | undefined, faults: FieldViolation[]): number | undefined {
  if (value === undefined) return undefined;
  const ms = durationMs(value);
  if (value.nanos === 0 && value.seconds > 0n && Number.isSafeInteger(ms)) return ms;
  faults.push({ field: `settings.${field}`, description: "must be whole seconds, at least one" });
  return undefined;
}

function encryptionKey({ encryptionKey: offered }: ClientSettings, faults: FieldViolation[]) {
  if (offered === undefined) return undefined;
  const read = readEncryptionKey(offered);
  if ("key" in read) return read.key;
  faults.push({ field: `settings.encryption_key.${read.member}`, description: read.fault });
  return undefined;
}

/** Throws REQUEST_INVALID for what no contract rule can say of one field alone. */
export function readSettings(settings: ClientSettings): ClientContent {
  const faults: FieldViolation[] = [];
  const content: ClientContent = {
    displayName: settings.displayName,
    disabled: settings.disabled,
    logins: settings.logins,
    exchange: settings.exchange,
    principalId: parseId("principal", settings.serviceAccountId),
    audiences: settings.audiences,
    scopes: settings.scopes,
    accessTokenLifetimeMs: lifetime("access_token_lifetime", settings.accessTokenLifetime, faults),
    refreshTokenLifetimeMs: lifetime("refresh_token_lifetime", settings.refreshTokenLifetime, faults),
    // The contract lets through nothing else.
    algorithm: settings.algorithm === "" ? undefined : (settings.algorithm as SignatureAlgorithm),
    refreshRotation: settings.refreshRotation === RefreshRotation.OFF ? "off" : "rotate",
    senderConstraint: constraints[settings.senderConstraint],
    encryptionKey: encryptionKey(settings, faults),
    displayNameClaim: settings.displayNameClaim,
  };
  if (faults.length > 0) throw new GatehouseError("REQUEST_INVALID", { violations: faults });
  return content;
}

export function writeSettings(content: ClientContent): ClientSettings {
  const { accessTokenLifetimeMs: access, refreshTokenLifetimeMs: refresh, encryptionKey: key, principalId } = content;
  return create(ClientSettingsSchema, {
    displayName: content.displayName,
    disabled: content.disabled,
    logins: content.logins,
    exchange: content.exchange,
    serviceAccountId: principalId === undefined ? "" : formatId("principal", principalId),
    audiences: [...content.audiences],
    scopes: [...content.scopes],
    algorithm: content.algorithm ?? "",
    refreshRotation: rotationNumbers[content.refreshRotation],
    senderConstraint: constraintNumbers[content.senderConstraint],
    displayNameClaim: content.displayNameClaim,
    ...(access === undefined ? {} : { accessTokenLifetime: durationFromMs(access) }),
    ...(refresh === undefined ? {} : { refreshTokenLifetime: durationFromMs(refresh) }),
    ...(key === undefined ? {} : { encryptionKey: create(JwkSchema, key) }),
  });
}

const fields = {
  display_name: "displayName",
  disabled: "disabled",
  logins: "logins",
  exchange: "exchange",
  service_account_id: "principalId",
  audiences: "audiences",
  scopes: "scopes",
  access_token_lifetime: "accessTokenLifetimeMs",
  refresh_token_lifetime: "refreshTokenLifetimeMs",
  algorithm: "algorithm",
  refresh_rotation: "refreshRotation",
  sender_constraint: "senderConstraint",
  encryption_key: "encryptionKey",
  display_name_claim: "displayNameClaim",
} as const satisfies Record<string, keyof ClientContent>;

type Path = keyof typeof fields;

function isPath(path: string): path is Path {
  return Object.hasOwn(fields, path);
}

/** What a message says that says nothing. */
const unset = readSettings(create(ClientSettingsSchema));

/** AIP-134: without a mask, what is set. Throws REQUEST_INVALID for a path that reaches nothing, and for no path at all. */
export function pathsOf(given: readonly string[], asked: ClientContent): readonly Path[] {
  const violations = given.flatMap((path, index) =>
    isPath(path) ? [] : { field: `update_mask.paths[${index}]`, description: "must be one of the settings" },
  );
  const isSet = (path: Path) => JSON.stringify(asked[fields[path]]) !== JSON.stringify(unset[fields[path]]);
  const paths = given.length > 0 ? given.filter(isPath) : Object.keys(fields).filter(isPath).filter(isSet);
  if (paths.length === 0 && violations.length === 0)
    violations.push({ field: "update_mask", description: "must name what to change" });
  if (violations.length > 0) throw new GatehouseError("REQUEST_INVALID", { violations });
  return paths;
}

export function withChanges(before: ClientContent, asked: ClientContent, paths: readonly Path[]): ClientContent {
  return { ...contentOf(before), ...Object.fromEntries(paths.map((path) => [fields[path], asked[fields[path]]])) };
}

/** The settings and nothing else, in one order. */
export function contentOf(client: ClientContent): ClientContent {
  const entries = Object.values(fields).map((field) => [field, client[field]] as const);
  return Object.fromEntries(entries) as unknown as ClientContent;
}
