-- Put a task down for a time if it is not down for an earlier one, until it is next claimed.
--
-- KEYS  agenda (sorted set), hastened tasks (hash).
-- ARGV  task, time.
local hastened = redis.call('HGET', KEYS[2], ARGV[1])
if not hastened or tonumber(hastened) > tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
end
redis.call('ZADD', KEYS[1], 'LT', ARGV[2], ARGV[1])
