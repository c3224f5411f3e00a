-- Take the chain that is due longest out of an endpoint's queue.
--
-- KEYS  queue (sorted set), this take's chain (string).
-- ARGV  now, milliseconds for which this take is remembered.
-- Returns the chain, or nil. Sent twice it returns the same one.
local known = redis.call('GET', KEYS[2])
if known then
  return known
end
local due = redis.call('ZRANGE', KEYS[1], '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, 1)
if not due[1] then
  return false
end
redis.call('ZREM', KEYS[1], due[1])
redis.call('SET', KEYS[2], due[1], 'PX', ARGV[2])
return due[1]
