// Pages as AIP-158 has them, cut by the position of the last item shown.
import { type Call, callerOf } from "./handler.ts";
import type { PageScope, PageTokens } from "./sealing.ts";

const defaultSize = 50;
const mostItems = 500;

/** How many items a page holds: 0 asks for the default, more than the most is read as the most. */
export function pageSizeOf(asked: number): number {
  return asked === 0 ? defaultSize : Math.min(asked, mostItems);
}

export interface PageRequest {
  readonly method: string;
  /** The request without page size and page token. */
  readonly filter: string;
  readonly pageSize: number;
  readonly pageToken: string;
}

export interface PageSource<T> {
  /** Up to `limit` items after the given position, in a stable order; undefined position = from the first. */
  readonly read: (after: string | undefined, limit: number) => Promise<readonly T[]>;
  readonly positionOf: (item: T) => string;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/** Throws PAGE_TOKEN_INVALID before anything is read. */
export async function readPage<T>(
  pageTokens: PageTokens,
  request: PageRequest,
  call: Call,
  { read, positionOf }: PageSource<T>,
): Promise<Page<T>> {
  const scope: PageScope = { method: request.method, principalId: callerOf(call).id, filter: request.filter };
  const size = pageSizeOf(request.pageSize);
  const found = await read(pageTokens.open(scope, request.pageToken, call.now), size + 1);
  const items = found.slice(0, size);
  const last = found.length > size ? items.at(-1) : undefined;
  return { items, nextPageToken: last === undefined ? "" : pageTokens.seal(scope, positionOf(last), call.now) };
}
