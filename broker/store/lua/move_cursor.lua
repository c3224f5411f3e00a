-- Move a cursor if it still is where it was read.
--
-- KEYS  an endpoint's cursors (hash).
-- ARGV  chain, cursor as it was read (empty for none), cursor to set.
-- Returns 1 if it stands where it shall, 0 if somebody else moved it.
local found = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if found ~= ARGV[2] and found ~= ARGV[3] then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
