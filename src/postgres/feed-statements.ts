// The SQL of the feed. Its numbers never come from a sequence: a sequence value that is committed late is skipped for ever.
import type { FeedEvent, Statement } from "../kernel/database.ts";

/** Where replicas hear that there is something new. Only a hint: what counts is what they read. */
export const feedChannel = "gatehouse_feed";

/**
 * Takes as many numbers as there are events under the row lock of feed_head, which is held until COMMIT: whoever sees a
 * number has seen all lower ones. Must be the last statement, because every other announcing transaction waits for it. NOTIFY makes
 * its transactions commit one after the other as well, so it costs these nothing more.
 */
export const announceStatement: Statement = {
  name: "feed.announce",
  text: `
    with head as (
      update feed_head set number = number + cardinality($1::text[]) returning number - cardinality($1::text[]) as base
    ), told as (
      insert into feed (number, kind, key, expires_at)
      select head.base + event.position, event.kind, event.key, event.expires_at
      from head, unnest($1::text[], $2::text[], $3::timestamptz[]) with ordinality as event (kind, key, expires_at, position)
      returning number
    )
    select pg_notify('${feedChannel}', max(number)::text) from told`,
};

export function announceParameters(events: readonly FeedEvent[]): readonly unknown[] {
  return [
    events.map((event) => event.kind),
    events.map((event) => event.key),
    events.map((event) => event.expiresAt.toISOString()),
  ];
}

/** Rows after a number, and the head, which tells a database that was set back to an earlier state. At least one row. */
export const tailStatement: Statement = {
  name: "feed.tail",
  text: `
    select head.number as head, event.number, event.kind, event.key, event.expires_at
    from feed_head as head
    left join lateral (
      select number, kind, key, expires_at from feed where number > $1 and expires_at > $2 order by number limit $3
    ) as event on true
    order by event.number`,
};

export const collectStatement: Statement = {
  name: "feed.collect_expired",
  text: `
    delete from feed where number in (select number from feed where expires_at <= $1 order by expires_at limit $2)
    returning number`,
};
