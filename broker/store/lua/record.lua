-- Append sealed entries to a chain and apply the record saves that they explain, all or nothing.
--
-- KEYS  chain (stream), head (hash), then one key a saved record (hash), then one key an index.
-- ARGV  expected head: seq, hash; number of entries, number of saves; hash of the new head;
--       the entries' JSON, in order;
--       for each save: expected version, record; for each index addition: score, member.
-- Returns {"done"}, {"moved", seq, hash} with the head found, or {"stale", n} for the n-th save.
--
-- Sending it twice has the effect of sending it once: an entry names the one before it by hash,
-- so the last entry standing in its place proves that the first sending arrived.
local seq, hash = tonumber(ARGV[1]), ARGV[2]
local entries, saves = tonumber(ARGV[3]), tonumber(ARGV[4])
local new_hash = ARGV[5]
local before_saves = 5 + entries

local head = redis.call('HMGET', KEYS[2], 'seq', 'hash')
local head_seq, head_hash = tonumber(head[1] or 0), head[2] or string.rep('0', 64)

if head_seq ~= seq or head_hash ~= hash then
  local id = string.format('%d-0', seq + entries)
  local found = redis.call('XRANGE', KEYS[1], id, id)
  if found[1] and found[1][2][2] == ARGV[5 + entries] then
    -- A write, so that a WAITAOF that follows on this connection has something to wait for.
    redis.call('HSET', KEYS[2], 'seq', string.format('%d', head_seq))
    return {'done'}
  end
  return {'moved', head_seq, head_hash}
end

for n = 1, saves do
  local version = redis.call('HGET', KEYS[2 + n], 'version') or '0'
  if version ~= ARGV[before_saves + 2 * n - 1] then
    return {'stale', n}
  end
end

for n = 1, entries do
  redis.call('XADD', KEYS[1], string.format('%d-0', seq + n), 'entry', ARGV[5 + n])
end
redis.call('HSET', KEYS[2], 'seq', string.format('%d', seq + entries), 'hash', new_hash)

for n = 1, saves do
  local expected, record = ARGV[before_saves + 2 * n - 1], ARGV[before_saves + 2 * n]
  redis.call('HSET', KEYS[2 + n], 'version', string.format('%d', expected + 1), 'record', record)
end

local addition = before_saves + 2 * saves + 1
for n = 3 + saves, #KEYS do
  redis.call('ZADD', KEYS[n], ARGV[addition], ARGV[addition + 1])
  addition = addition + 2
end
return {'done'}
