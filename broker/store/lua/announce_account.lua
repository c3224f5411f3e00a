-- Make an account findable before its record is written, and claim its issuer id for ever.
--
-- KEYS  account index (sorted set), announcements (sorted set), issuer claim (string).
-- ARGV  account id.
-- Returns the account that holds the issuer id: where it is another one, nothing was written.
local holder = redis.call('GET', KEYS[3])
if holder and holder ~= ARGV[1] then
  return holder
end
redis.call('SET', KEYS[3], ARGV[1])
redis.call('ZADD', KEYS[1], 0, ARGV[1])
local time = redis.call('TIME')
redis.call('ZADD', KEYS[2], string.format('%d%06d', time[1], time[2]), ARGV[1])
return ARGV[1]
