-- Hold a lease for longer, if it is still the one that was given out.
--
-- KEYS  lease (hash).
-- ARGV  holder, fencing number, milliseconds.
-- Returns 1, or 0 where it has lapsed or is another one.
local lease = redis.call('HMGET', KEYS[1], 'holder', 'fencing')
if lease[1] == ARGV[1] and lease[2] == ARGV[2] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return 0
