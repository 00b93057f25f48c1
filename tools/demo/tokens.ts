// The third part: what the person carries. Checked, renewed, renewed twice by honest racers, and dead after the logout.
import { createGatehouse, type Gatehouse, type Tokens, tokensOf } from "../../clients/typescript/src/index.ts";
import { expect, refused } from "./narrator.ts";
import type { Run } from "./story.ts";

async function refresh(visitor: Gatehouse, refreshToken: string): Promise<Tokens> {
  const { tokens } = await visitor.tokens.refresh({ refreshToken });
  expect(tokens !== undefined, "the answer holds no tokens");
  return tokensOf(tokens);
}

async function tellRenewal({ visitor, administrator, narrator }: Run, first: Tokens): Promise<Tokens> {
  await narrator.step("The administrator introspects the person's token", async () => {
    const answer = await administrator.tokens.introspect({ token: first.accessToken });
    expect(answer.active, "it is not active");
    return { seen: `active, subject ${answer.subject}, audience ${answer.audience}`, value: undefined };
  });
  const { value: second } = await narrator.step("The person refreshes", async () => {
    const value = await refresh(visitor, first.refreshToken);
    expect(value.refreshToken !== first.refreshToken, "the refresh token did not change");
    expect(value.sessionId === first.sessionId, "the session changed");
    return { seen: "a new pair, the same session", value };
  });
  await narrator.step("A racer presents the old refresh token within the grace", async () => {
    const again = await refresh(visitor, first.refreshToken);
    expect(again.refreshToken === second.refreshToken, "it got another successor");
    return { seen: "the same successor", value: undefined };
  });
  return second;
}

async function tellLogout({ address, administrator, narrator }: Run, person: Gatehouse, first: Tokens, second: Tokens) {
  await narrator.step("The person lists its sessions", async () => {
    const { sessions } = await person.sessions.listSessions({});
    const current = sessions.find((session) => session.current);
    expect(sessions.length === 1 && current?.sessionId === first.sessionId, `it sees ${sessions.length} sessions`);
    return { seen: `one, on ${current.deviceName}, this one`, value: undefined };
  });
  await narrator.step("The person logs out", async () => {
    await using renewed = createGatehouse({ address, credentials: second.accessToken });
    await renewed.auth.logout({});
    const { reason } = await refused(renewed.auth.whoAmI({}), "CREDENTIAL_INVALID");
    return { seen: `its token is refused from now on, ${reason}`, value: undefined };
  });
  await narrator.step("The administrator introspects every token of that session", async () => {
    for (const token of [first.accessToken, second.accessToken, first.refreshToken, second.refreshToken]) {
      const answer = await administrator.tokens.introspect({ token });
      expect(!answer.active, "one is still active");
    }
    return { seen: "all four are inactive", value: undefined };
  });
}

export async function tellTokens(run: Run, person: Gatehouse, first: Tokens): Promise<void> {
  const second = await tellRenewal(run, first);
  await tellLogout(run, person, first, second);
}
