// A valid request for every method, about the same resource or person wherever it names one.
import { alice, bob } from "../fakes/principal.ts";

export const caller = alice;
const other = `prn_${bob}`;
const path = "team-a/db";
const person = { loginName: "eve", password: "correct horse battery staple" };

/** By `Service/Method`. A method that is not in here fails the matrix. */
export const validRequests: Readonly<Record<string, object>> = {
  "AuthService/Bootstrap": { ...person, bootstrapToken: "t" },
  "AuthService/Register": person,
  "AuthService/Login": person,
  "AuthService/Logout": {},
  "AuthService/WhoAmI": {},
  "SessionService/ListSessions": { principalId: other },
  "SessionService/RevokeSession": { principalId: other, sessionId: `ses_${bob}` },
  "DirectoryService/CreateInvitation": {},
  "GrantService/CreateGrant": { principalId: other, role: "viewer", resource: `secrets/${path}` },
  "GrantService/DeleteGrant": { grantId: `grt_${bob}` },
  "GrantService/ListGrants": { principalId: other },
  "GrantService/CreateRole": { name: "reader", permissions: ["secrets.read"] },
  "GrantService/UpdateRole": { name: "reader", permissions: ["secrets.read"] },
  "GrantService/DeleteRole": { name: "reader" },
  "GrantService/ListRoles": {},
  "GrantService/ExplainAccess": { principalId: other, permission: "secrets.read" },
  "TokenService/Introspect": { token: "t" },
  "TokenService/Refresh": { refreshToken: "t" },
  "TokenService/Revoke": { token: "t" },
  "TokenService/GetJwks": {},
  "SecretsService/PutSecret": { path, value: Buffer.from("v") },
  "SecretsService/GetSecret": { path },
  "SecretsService/ListSecrets": { parent: "team-a" },
  "SecretsService/ListSecretVersions": { path },
  "SecretsService/DeleteSecret": { path, versions: [1] },
  "SecretsService/UndeleteSecret": { path, versions: [1] },
  "SecretsService/DestroySecret": { path, versions: [1] },
  "AuditService/AppendEvent": { source: "billing", name: "invoice.sent", outcome: 1 },
  "AuditService/QueryEvents": {},
  "AuditService/GetEvent": { eventId: `evt_${bob}` },
};
