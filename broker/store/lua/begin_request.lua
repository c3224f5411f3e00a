-- Claim an idempotency key, or say what became of it.
--
-- KEYS  answer (hash).
-- ARGV  fingerprint of the request, this claim's own mark, milliseconds that the claim holds.
-- Returns nil if the claim is ours (also when this is sent twice), else
-- {fingerprint, status, body}; status is empty while there is no answer, body where none is kept.
local answer = redis.call('HMGET', KEYS[1], 'fingerprint', 'claim', 'status', 'body')
if answer[1] and answer[2] ~= ARGV[2] then
  return {answer[1], answer[3], answer[4]}
end
redis.call('HSET', KEYS[1], 'fingerprint', ARGV[1], 'claim', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return false
