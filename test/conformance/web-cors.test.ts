// Which pages may call from a browser.
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { principalOf } from "../fakes/principal.ts";
import { pathOf } from "./door.ts";
import { ask, callJson, openTestWebDoor, type TestWebDoor } from "./web-door.ts";

const whoAmI = AuthService.method.whoAmI;
const app = "https://app.example";
const tokens = { good: principalOf() };

const preflight = (door: TestWebDoor, origin: string, path = pathOf(whoAmI)) =>
  ask(door, path, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,content-type",
    },
  });

const corsHeaders = (headers: object) => Object.keys(headers).filter((name) => name.startsWith("access-control-"));

describe("J-06 with a list of origins", () => {
  let door: TestWebDoor;
  beforeAll(async () => {
    door = await openTestWebDoor({
      tokens,
      cors: { origins: new Set([app, "http://localhost:3000"]), credentials: true },
    });
  });
  afterAll(() => door.close());

  it.each([app, "http://localhost:3000"])("a page of %s may call, and see limits and errors", async (origin) => {
    const asked = await preflight(door, origin);
    expect(asked).toMatchObject({ status: 204, body: Buffer.of() });
    expect(asked.headers).toMatchObject({
      "access-control-allow-origin": origin,
      "access-control-allow-credentials": "true",
      "access-control-allow-methods": "POST",
      "access-control-max-age": "7200",
      vary: "Origin",
    });
    const allowed = String(asked.headers["access-control-allow-headers"]).split(", ");
    expect(allowed).toEqual(
      expect.arrayContaining([
        "authorization",
        "content-type",
        "connect-protocol-version",
        "connect-timeout-ms",
        "x-grpc-web",
      ]),
    );
    const answer = await callJson(door, whoAmI, {}, { origin, authorization: "Bearer good" });
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({ "access-control-allow-origin": origin, vary: "Origin" });
    const exposed = String(answer.headers["access-control-expose-headers"]).split(", ");
    expect(exposed).toEqual(
      expect.arrayContaining([
        "grpc-status",
        "grpc-message",
        "grpc-status-details-bin",
        "retry-after",
        "x-ratelimit-limit",
      ]),
    );
  });

  it.each([
    "https://app.example.evil.example",
    "http://app.example",
    "https://app.example:444",
    "https://APP.example",
    "null",
    "*",
    "",
  ])("T-10 a page of %s gets no CORS header, neither asked for nor answered", async (origin) => {
    const asked = await preflight(door, origin);
    const answer = await callJson(door, whoAmI, {}, { origin, authorization: "Bearer good" });
    expect([...corsHeaders(asked.headers), ...corsHeaders(answer.headers)]).toEqual([]);
    expect([asked.headers.vary, answer.headers.vary]).toEqual(["Origin", "Origin"]);
  });

  it("two origins at once are none", async () => {
    const answer = await ask(door, "/healthz", { headers: { origin: [app, "https://evil.example"] as never } });
    expect(corsHeaders(answer.headers)).toEqual([]);
  });

  it("refusals and unknown paths may be seen as well, so that a page can tell what went wrong", async () => {
    const refused = await callJson(door, whoAmI, {}, { origin: app });
    const unknown = await ask(door, "/nothing", { headers: { origin: app } });
    for (const { headers } of [refused, unknown]) expect(headers["access-control-allow-origin"]).toBe(app);
  });

  it("the public keys never allow credentials", async () => {
    const asked = await preflight(door, app, "/.well-known/jwks.json");
    expect(asked.headers["access-control-allow-origin"]).toBe("*");
    expect(asked.headers["access-control-allow-credentials"]).toBeUndefined();
  });
});

describe("J-06 with other lists", () => {
  it("nobody may call unless the operator says so", async () => {
    const door = await openTestWebDoor({ tokens });
    expect(corsHeaders((await preflight(door, app)).headers)).toEqual([]);
    await door.close();
  });

  it("P-08 `*` allows every page, and never with credentials", async () => {
    const door = await openTestWebDoor({ tokens, cors: { origins: new Set(["*"]), credentials: false } });
    const asked = await preflight(door, "https://anybody.example");
    expect(asked.headers["access-control-allow-origin"]).toBe("*");
    expect(asked.headers["access-control-allow-credentials"]).toBeUndefined();
    await door.close();
  });

  it("`null` only when it is listed", async () => {
    const door = await openTestWebDoor({ tokens, cors: { origins: new Set(["null"]), credentials: false } });
    expect((await preflight(door, "null")).headers["access-control-allow-origin"]).toBe("null");
    await door.close();
  });
});
