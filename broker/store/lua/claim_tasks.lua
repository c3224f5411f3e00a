-- Claim tasks that are due, the longest due first, by putting them down for a later time.
--
-- KEYS  agenda (sorted set), hastened tasks (hash), this claim's tasks (list).
-- ARGV  now, time until which they are held, most tasks to claim, milliseconds for which this
--       claim is remembered; then, for each kind that is held for another time, what its tasks
--       begin with and that time.
-- Returns the tasks. Sent twice it returns the same ones: else a lost answer would leave them held
-- by nobody.
local known = redis.call('LRANGE', KEYS[3], 0, -1)
if known[1] then
  return known
end
local function held_until(task)
  for n = 5, #ARGV, 2 do
    if string.sub(task, 1, #ARGV[n]) == ARGV[n] then
      return ARGV[n + 1]
    end
  end
  return ARGV[2]
end

local due = redis.call('ZRANGE', KEYS[1], '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[3])
for _, task in ipairs(due) do
  redis.call('ZADD', KEYS[1], held_until(task), task)
  redis.call('HDEL', KEYS[2], task)
  redis.call('RPUSH', KEYS[3], task)
end
if due[1] then
  redis.call('PEXPIRE', KEYS[3], ARGV[4])
end
return due
