// The OAuth endpoints and their metadata, for the routes of the web door.
import type { PolicyTable } from "../../policy.ts";
import { setHeaders } from "../headers.ts";
import type { Page } from "../pages.ts";
import { createOAuthAnswer, type OAuthDeps } from "./answer.ts";
import { createEndpoints } from "./endpoints.ts";
import { metadataOf, metadataPaths, type OAuthSettings } from "./metadata.ts";

export interface OAuthPagesDeps extends Omit<OAuthDeps, "prefix"> {
  readonly table: PolicyTable;
  readonly settings: OAuthSettings;
}

/** It changes with a release or a setting. */
const metadataMaxAgeSeconds = 300;

export function createOAuthPages({ table, settings, ...deps }: OAuthPagesDeps): ReadonlyMap<string, Page> {
  const endpoints = createEndpoints(table);
  const answer = createOAuthAnswer({ ...deps, prefix: new URL(settings.url).pathname.replace(/\/$/, "") });
  const pages = new Map<string, Page>();
  for (const endpoint of [endpoints.token, endpoints.introspection, endpoints.revocation]) {
    if (endpoint !== undefined)
      pages.set(endpoint.path, { open: false, methods: "POST", answer: (call) => answer(call, endpoint) });
  }
  const value = metadataOf(settings, endpoints);
  const metadata: Page = {
    open: true,
    answer(call) {
      setHeaders(call.response, {
        "cache-control": `public, max-age=${metadataMaxAgeSeconds}`,
        "cross-origin-resource-policy": "cross-origin",
      });
      deps.sender.json(call, { status: 200, value });
    },
  };
  for (const path of metadataPaths(settings)) pages.set(path, metadata);
  return pages;
}
