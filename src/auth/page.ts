// Pages as AIP-158 has them, cut by the id of the last item shown.
import { type Call, callerOf } from "../kernel/handler.ts";
import { pageSizeOf } from "../kernel/pages.ts";
import type { PageScope, PageTokens } from "../kernel/sealing.ts";

export interface PageRequest {
  readonly method: string;
  /** The request without page size and page token. */
  readonly filter: string;
  readonly pageSize: number;
  readonly pageToken: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextPageToken: string;
}

/** `read` answers up to `limit` items after the given id, in a stable order. Throws PAGE_TOKEN_INVALID. */
export async function readPage<T extends { readonly id: string }>(
  pageTokens: PageTokens,
  request: PageRequest,
  call: Call,
  read: (after: string | undefined, limit: number) => Promise<readonly T[]>,
): Promise<Page<T>> {
  const scope: PageScope = { method: request.method, principalId: callerOf(call).id, filter: request.filter };
  const size = pageSizeOf(request.pageSize);
  const found = await read(pageTokens.open(scope, request.pageToken, call.now), size + 1);
  const items = found.slice(0, size);
  const last = found.length > size ? items.at(-1) : undefined;
  return { items, nextPageToken: last === undefined ? "" : pageTokens.seal(scope, last.id, call.now) };
}
