-- Append sealed entries to a chain and apply the record saves that they explain, all or nothing.
--
-- KEYS  chain (stream), head (hash), turn (string); then one key a saved record (hash), then one
--       key a record that must be unchanged (hash), then one key an index (sorted set).
-- ARGV  writer, mark of this write; expected head: seq, hash; hash of the new head;
--       number of entries, of saves, of unchanged records; the last entry to drop, 0 for none;
--       the entries' JSON, in order;
--       for each save: expected version, record; for each unchanged record: expected version;
--       for each index addition: score, member.
-- Returns {"done"}; {"moved", seq, hash} with the head found; {"wait"} while it is another writer's
-- turn; {"stale"} where a record is not at its expected version.
--
-- Sending it twice has the effect of sending it once: each entry is kept with the mark of its
-- write, so finding the mark where our last entry would stand proves that it arrived. The entry
-- itself would not do: two processes may see the same thing happen in the same millisecond.
--
-- Of two writers in step the same one would always come too late, so who does has the next turn,
-- for a moment.
local TURN_MILLISECONDS = 50
local writer, mark = ARGV[1], ARGV[2]
local seq, hash, new_hash = tonumber(ARGV[3]), ARGV[4], ARGV[5]
local entries, saves, unchanged = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local archived_through = tonumber(ARGV[9])
local before_entries = 9
local before_saves = before_entries + entries
local before_unchanged = before_saves + 2 * saves
local before_additions = before_unchanged + unchanged

local head = redis.call('HMGET', KEYS[2], 'seq', 'hash')
local head_seq, head_hash = tonumber(head[1] or 0), head[2] or string.rep('0', 64)

if head_seq ~= seq or head_hash ~= hash then
  local id = string.format('%d-0', seq + entries)
  local found = redis.call('XRANGE', KEYS[1], id, id)
  if found[1] and found[1][2][4] == mark then
    -- A write, so that a WAITAOF that follows on this connection has something to wait for.
    redis.call('HSET', KEYS[2], 'seq', string.format('%d', head_seq))
    return {'done'}
  end
  redis.call('SET', KEYS[3], writer, 'NX', 'PX', TURN_MILLISECONDS)
  return {'moved', head_seq, head_hash}
end

local turn = redis.call('GET', KEYS[3])
if turn and turn ~= writer then
  return {'wait'}
elseif turn then
  redis.call('DEL', KEYS[3])
end

local function is_at(key, expected)
  return (redis.call('HGET', key, 'version') or '0') == expected
end
for n = 1, saves do
  if not is_at(KEYS[3 + n], ARGV[before_saves + 2 * n - 1]) then
    return {'stale'}
  end
end
for n = 1, unchanged do
  if not is_at(KEYS[3 + saves + n], ARGV[before_unchanged + n]) then
    return {'stale'}
  end
end

for n = 1, entries do
  redis.call('XADD', KEYS[1], string.format('%d-0', seq + n), 'entry',
    ARGV[before_entries + n], 'mark', mark)
end
redis.call('HSET', KEYS[2], 'seq', string.format('%d', seq + entries), 'hash', new_hash)
if archived_through > 0 then
  redis.call('XTRIM', KEYS[1], 'MINID', '=', string.format('%d-0', archived_through + 1))
end

for n = 1, saves do
  local expected, record = ARGV[before_saves + 2 * n - 1], ARGV[before_saves + 2 * n]
  redis.call('HSET', KEYS[3 + n], 'version', string.format('%d', expected + 1), 'record', record)
end

local before_indexes = 3 + saves + unchanged
for n = 1, #KEYS - before_indexes do
  local score, member = ARGV[before_additions + 2 * n - 1], ARGV[before_additions + 2 * n]
  redis.call('ZADD', KEYS[before_indexes + n], score, member)
end
return {'done'}
