// What of a client's settings makes no sense, each told with its field.
import { describe, expect, it } from "vitest";
import {
  type ClientBounds,
  type ClientContent,
  clientFaults,
  endsTokens,
  mayWiden,
} from "../../../../src/auth/domain/client-rules.ts";
import { aClient } from "../../../fakes/clients.ts";

const minute = 60_000;
const bounds: ClientBounds = {
  accessTokenLifetimeMs: 30 * minute,
  refreshTokenLifetimeMs: 10_080 * minute,
  ownAudience: "gatehouse",
  hmacAudience: "legacy",
};

function faults(change: Partial<ClientContent>, confidential = true): readonly string[] {
  return clientFaults({ ...aClient, ...change }, confidential, bounds).map(({ field }) => field);
}

const machine = { logins: false, principalId: "018f0000-0000-7000-8000-00000000000a" };

type Senseless = readonly [
  title: string,
  change: Partial<ClientContent>,
  fields: readonly string[],
  confidential?: boolean,
];

describe("the settings of a client", () => {
  it("M-01 J-05 are taken when they make sense, public and confidential", () => {
    expect(faults({})).toEqual([]);
    expect(faults({}, false)).toEqual([]);
    expect(faults({ ...machine, audiences: ["gatehouse"], scopes: ["*"] })).toEqual([]);
    expect(faults({ refreshRotation: "off", exchange: true, displayNameClaim: true })).toEqual([]);
    expect(faults({ accessTokenLifetimeMs: minute, refreshTokenLifetimeMs: minute })).toEqual([]);
    expect(faults({ accessTokenLifetimeMs: 30 * minute, refreshTokenLifetimeMs: 10_080 * minute })).toEqual([]);
    expect(faults({ senderConstraint: "dpop" }, false)).toEqual([]);
    expect(faults({ algorithm: "PS256", audiences: ["legacy", "shop"] })).toEqual([]);
  });

  const senseless: readonly Senseless[] = [
    ["no audience", { audiences: [] }, ["audiences"]],
    ["no scope", { scopes: [] }, ["scopes"]],
    ["two scopes in one", { scopes: ["orders.read orders.write"] }, ["scopes"]],
    ["a scope that ends a string", { scopes: ['a"b'] }, ["scopes"]],
    ["a scope with a line feed at its end", { scopes: ["orders.read\n"] }, ["scopes"]],
    ["everything and something", { scopes: ["*", "orders.read"] }, ["scopes"]],
    ["nothing that it may do", { logins: false }, ["logins"]],
    ["a public client that exchanges", { exchange: true }, ["exchange"], false],
    ["a public client with an account", { principalId: machine.principalId }, ["service_account_id"], false],
    ["a public client that keeps its refresh token", { refreshRotation: "off" }, ["refresh_rotation"], false],
    ["rotation without logins", { ...machine, refreshRotation: "off" }, ["refresh_rotation"]],
    ["refresh tokens without logins", { ...machine, refreshTokenLifetimeMs: minute }, ["refresh_token_lifetime"]],
    ["a display name without people", { ...machine, displayNameClaim: true }, ["display_name_claim"]],
    ["too short a life", { accessTokenLifetimeMs: minute - 1 }, ["access_token_lifetime"]],
    ["a longer life than the installation's", { accessTokenLifetimeMs: 30 * minute + 1 }, ["access_token_lifetime"]],
    ["a life that is no number", { accessTokenLifetimeMs: Number.NaN }, ["access_token_lifetime"]],
    ["a refresh token without end", { refreshTokenLifetimeMs: 10_080 * minute + 1 }, ["refresh_token_lifetime"]],
    [
      "a refresh token that ends before what it renews",
      { accessTokenLifetimeMs: 10 * minute, refreshTokenLifetimeMs: 9 * minute },
      ["refresh_token_lifetime"],
    ],
    ["an algorithm where the audience says HS256", { audiences: ["legacy"], algorithm: "ES256" }, ["algorithm"]],
    [
      "tokens that Gatehouse could not read",
      { audiences: ["shop", "gatehouse"], encryptionKey: { kty: "EC" } },
      ["encryption_key"],
    ],
  ];

  it.each(senseless.map((one) => [one[0], one] as const))(
    "J-05 J-10 refuse %s, naming the field",
    (_title, [, change, fields, confidential = true]) => {
      expect(faults(change, confidential)).toEqual(fields.map((field) => `settings.${field}`));
    },
  );

  it("tell every fault at once", () => {
    expect(faults({ audiences: [], scopes: [], exchange: true }, false)).toEqual([
      "settings.audiences",
      "settings.scopes",
      "settings.exchange",
    ]);
  });
});

describe("a change of them", () => {
  it("TOK-08 ends what was handed out when the client is disabled or becomes somebody else, and then alone", () => {
    expect(endsTokens(aClient, { ...aClient, disabled: true })).toBe(true);
    expect(endsTokens({ ...aClient, disabled: true }, aClient)).toBe(false);
    expect(endsTokens(aClient, { ...aClient, principalId: machine.principalId })).toBe(true);
    expect(endsTokens(aClient, { ...aClient, scopes: ["orders.write"] })).toBe(false);
  });

  it("AZ-05 may give more in every case but a new name and a stop", () => {
    expect(mayWiden(aClient, { ...aClient, disabled: true, displayName: "Other" })).toBe(false);
    expect(mayWiden({ ...aClient, disabled: true }, aClient)).toBe(true);
    expect(mayWiden(aClient, { ...aClient, scopes: ["orders.write"] })).toBe(true);
    expect(mayWiden(aClient, { ...aClient, senderConstraint: "mtls" })).toBe(true);
  });
});
