-- Take a lease unless another holder has it; its own holder gets it anew.
--
-- KEYS  lease (hash), fencing counter (integer).
-- ARGV  holder, milliseconds.
-- Returns the fencing number, or nil while another holder has the lease.
local holder = redis.call('HGET', KEYS[1], 'holder')
if holder and holder ~= ARGV[1] then
  return false
end
local fencing = redis.call('INCR', KEYS[2])
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'fencing', string.format('%d', fencing))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return fencing
