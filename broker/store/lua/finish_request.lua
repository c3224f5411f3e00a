-- Keep the answer to a claimed request; a claim that lapsed or was abandoned keeps none.
--
-- KEYS  answer (hash).
-- ARGV  milliseconds to keep it, status, and the body unless it must not be given again.
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HSET', KEYS[1], 'status', ARGV[2])
  if ARGV[3] then
    redis.call('HSET', KEYS[1], 'body', ARGV[3])
  end
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
