-- Put a task down for the time in its record, which was written, or remove it.
--
-- KEYS  agenda (sorted set), unsettled tasks (hash), hastened tasks (hash).
-- ARGV  task, version that its record has now, its time (empty for never).
--
-- Only the write that was announced last may do so, and once: a late one would hide the time of
-- its successor, and one sent twice would free a task that was claimed in between.
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then
  return
end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[1], ARGV[1])
if ARGV[3] ~= '' then
  redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
end
-- Who hastened it since it was claimed waits for something that this write did not know of.
local hastened = redis.call('HGET', KEYS[3], ARGV[1])
if hastened then
  redis.call('ZADD', KEYS[1], 'LT', hastened, ARGV[1])
end
