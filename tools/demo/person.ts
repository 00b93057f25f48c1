// The first part: a person is invited, registers and logs in.
import { randomBytes } from "node:crypto";
import { createGatehouse, type Gatehouse, type Tokens, tokensOf } from "../../clients/typescript/src/index.ts";
import { expect } from "./narrator.ts";
import type { Run } from "./story.ts";

export interface Arrival {
  /** The person's own client; its token is the one that the login gave, and is not renewed. */
  readonly person: Gatehouse;
  readonly principalId: string;
  readonly tokens: Tokens;
}

export async function tellArrival({ address, visitor, administrator, narrator, loginName }: Run): Promise<Arrival> {
  const { value: invitation } = await narrator.step("The administrator invites a person", async () => {
    const answer = await administrator.directory.createInvitation({});
    expect(answer.invitation !== "", "the answer holds no invitation");
    return { seen: "one invitation, for one registration", value: answer.invitation };
  });
  const password = randomBytes(24).toString("base64url");
  const { value: principalId } = await narrator.step("The person registers", async () => {
    const answer = await visitor.auth.register({ loginName, password, invitation });
    return { seen: `${loginName} is ${answer.principalId}`, value: answer.principalId };
  });
  const { value: tokens } = await narrator.step("The person logs in", async () => {
    const { outcome } = await visitor.auth.login({ loginName, password, deviceName: "laptop" });
    expect(outcome.case === "tokens", "the login asks for more than a password");
    const value = tokensOf(outcome.value);
    return { seen: `session ${value.sessionId}, access token until ${value.accessTokenExpiresAt}`, value };
  });
  return { person: createGatehouse({ address, credentials: tokens.accessToken }), principalId, tokens };
}
