// One step of the generic cell rate algorithm as Redis and Valkey run it: whole, before anything else. All numbers are
// whole microseconds below 2^53, which Lua's doubles hold exactly; `%.0f`, so that no server prints them in a way of its own.
import { createHash } from "node:crypto";

/**
 * KEYS[1]; ARGV = now, what the call costs, what may be owed at most, milliseconds that a key outlives its debt.
 * The life of a key is set only when a call is let in or the budget is another one, by the clock of the asker, and so never
 * beyond what the budget can owe: what a clock that ran ahead has written is gone soon, however often it is asked for.
 */
export const limitScript = `
local held = redis.call('HMGET', KEYS[1], 'arrival', 'refusals', 'burst')
local now, cost, burst, grace = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local known = held[1] and tonumber(held[1]) or now
local before = held[3] and tonumber(held[3]) or burst
local changed = before ~= burst
if changed then
  known = now + math.min(math.ceil((known - now) / before * burst), burst)
end
local arrival, refusals = math.max(known, now), held[2] and tonumber(held[2]) or 0
local allowed = arrival + cost - now <= burst
if allowed then
  arrival, refusals = arrival + cost, 0
else
  arrival, refusals = known, math.min(refusals + 1, 2)
end
redis.call('HSET', KEYS[1], 'arrival', string.format('%.0f', arrival), 'refusals', refusals,
  'burst', string.format('%.0f', burst))
if allowed or changed or not held[1] then
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil((arrival - now) / 1000) + grace))
end
return { arrival, refusals }
`;

/** As Redis names it. */
export const limitScriptSha = createHash("sha1").update(limitScript).digest("hex");
