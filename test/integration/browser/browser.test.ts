// A page in a real browser, on an origin of its own, against the real command: what CORS lets through, and to whom.
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GatehouseProcess } from "../server/gatehouse-process.ts";
import {
  administratorAccount,
  bootstrap,
  type Installation,
  makeInstallation,
  quickHashing,
  visitorOf,
} from "../server/installation.ts";
import { startChromium } from "./chromium.ts";
import type { Asked, Offered } from "./page.ts";
import { bundlePage, type Site, serveSite } from "./site.ts";

let installation: Installation;
let gatehouse: GatehouseProcess;
let browser: Browser;
let listed: Site;
let foreign: Site;

beforeAll(async () => {
  const script = await bundlePage();
  [listed, foreign] = await Promise.all([serveSite(script), serveSite(script)]);
  installation = await makeInstallation({ ...quickHashing, GATEHOUSE_CORS_ORIGINS: listed.origin });
  [gatehouse, browser] = await Promise.all([installation.start(), startChromium()]);
  await bootstrap(installation.dataDir, visitorOf(gatehouse));
}, 180_000);

afterAll(async () => {
  await browser?.close();
  listed?.close();
  foreign?.close();
  await installation?.[Symbol.asyncDispose]();
});

function asked(protocol: Asked["protocol"], { webAddress } = gatehouse): Asked {
  return { baseUrl: webAddress, protocol, ...administratorAccount };
}

async function openPage(site: Site): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(site.origin);
  return page;
}

type Inside = { gatehouse: Offered };

const story = (page: Page, given: Asked, path: string) =>
  page.evaluate(([asked, at]) => (globalThis as unknown as Inside).gatehouse.story(asked, at), [given, path] as const);
const missing = (page: Page, given: Asked, path: string) =>
  page.evaluate(([asked, at]) => (globalThis as unknown as Inside).gatehouse.missing(asked, at), [
    given,
    path,
  ] as const);
const flood = (page: Page, given: Asked) =>
  page.evaluate((asked) => (globalThis as unknown as Inside).gatehouse.flood(asked), given);

describe.each(["connect", "grpc-web"] as const)("a page on a listed origin, over %s", (protocol) => {
  it("logs in, writes and reads a secret, and sees how much of its limit is left", async () => {
    const { read, headers } = await story(await openPage(listed), asked(protocol), `pages/${protocol}`);
    expect(read).toBe("s3cr3t");
    expect(Object.keys(headers)).toEqual(
      expect.arrayContaining(["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]),
    );
  });

  it("gets errors by their reason", async () => {
    const page = await openPage(listed);
    expect(await missing(page, asked(protocol), `pages/none-${protocol}`)).toMatchObject({
      reason: "SECRET_NOT_FOUND",
      code: expect.stringMatching(/^SEC-/),
      errorId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(await missing(page, { ...asked(protocol), password: "wrong" }, "x")).toMatchObject({
      reason: "LOGIN_FAILED",
      name: "InvalidCredentials",
    });
  });
});

describe("a page on another origin", () => {
  it("reaches nothing, and learns nothing of why", async () => {
    const errors: string[] = [];
    const page = await openPage(foreign);
    page.on("console", (message) => errors.push(message.text()));
    expect(await missing(page, asked("connect"), "pages/connect")).toMatchObject({
      reason: "UNREACHABLE",
      isUnavailable: true,
    });
    // The console is told of beside the page's own answer, and may come after it.
    await expect.poll(() => errors.join("\n"), { timeout: 20_000 }).toContain("CORS");
  });
});

describe("a page that asks too often", () => {
  it("is told when to come back", async () => {
    // Of more in a minute, some are given back while a slow machine hashes: it may never be asked too often.
    await using own = await makeInstallation({
      ...quickHashing,
      GATEHOUSE_CORS_ORIGINS: listed.origin,
      GATEHOUSE_LIMIT_LOGIN: "1/1h",
    });
    const given = { ...asked("connect", await own.start()), loginName: "nobody", password: "wrong" };
    const failed = await flood(await openPage(listed), given);
    expect(failed).toMatchObject({ reason: "RATE_LIMITED", isRateLimited: true, retryAfterMs: expect.any(Number) });
    expect(failed?.retryAfterMs).toBeGreaterThan(0);
  });
});
