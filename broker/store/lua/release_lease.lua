-- Give a lease back if it is still the one that was given out.
--
-- KEYS  lease (hash).
-- ARGV  holder, fencing number.
local lease = redis.call('HMGET', KEYS[1], 'holder', 'fencing')
if lease[1] == ARGV[1] and lease[2] == ARGV[2] then
  redis.call('DEL', KEYS[1])
end
