-- Put a task that was worked on down for its next time, or remove it: for tasks without a record.
--
-- KEYS  agenda (sorted set), hastened tasks (hash).
-- ARGV  task, its next time (empty for never).
--
-- Who hastened it since it was claimed waits for something that this turn may not have seen.
redis.call('ZREM', KEYS[1], ARGV[1])
if ARGV[2] ~= '' then
  redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
end
local hastened = redis.call('HGET', KEYS[2], ARGV[1])
if hastened then
  redis.call('ZADD', KEYS[1], 'LT', hastened, ARGV[1])
end
