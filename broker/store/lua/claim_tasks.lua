-- Claim tasks that are due, the longest due first, by putting them down for a later time.
--
-- KEYS  agenda (sorted set), hastened tasks (hash), this claim's tasks (list).
-- ARGV  now, time until which they are held, most tasks to claim, milliseconds for which this
--       claim is remembered.
-- Returns the tasks. Sent twice it returns the same ones: else a lost answer would leave them held
-- by nobody.
local known = redis.call('LRANGE', KEYS[3], 0, -1)
if known[1] then
  return known
end
local due = redis.call('ZRANGE', KEYS[1], '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[3])
for _, task in ipairs(due) do
  redis.call('ZADD', KEYS[1], ARGV[2], task)
  redis.call('HDEL', KEYS[2], task)
  redis.call('RPUSH', KEYS[3], task)
end
if due[1] then
  redis.call('PEXPIRE', KEYS[3], ARGV[4])
end
return due
