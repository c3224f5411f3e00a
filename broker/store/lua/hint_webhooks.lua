-- Say that a chain has something to tell, to some endpoints at once.
--
-- KEYS  agenda (sorted set), hastened tasks (hash); then each endpoint's queue (sorted set).
-- ARGV  chain, time; then each endpoint's task.
local chain, time = ARGV[1], ARGV[2]
for n = 1, #KEYS - 2 do
  local task = ARGV[2 + n]
  redis.call('ZADD', KEYS[2 + n], 'LT', time, chain)
  local hastened = redis.call('HGET', KEYS[2], task)
  if not hastened or tonumber(hastened) > tonumber(time) then
    redis.call('HSET', KEYS[2], task, time)
  end
  redis.call('ZADD', KEYS[1], 'LT', time, task)
end
