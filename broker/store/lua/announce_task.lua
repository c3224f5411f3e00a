-- Put a task down before its record is written, unless it is down for an earlier time.
--
-- KEYS  agenda (sorted set), unsettled tasks (hash).
-- ARGV  task, version that its record will have, its time (empty for never).
local announced = redis.call('HGET', KEYS[2], ARGV[1])
if not announced or tonumber(announced) < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
end
if ARGV[3] ~= '' then
  redis.call('ZADD', KEYS[1], 'LT', ARGV[3], ARGV[1])
end
