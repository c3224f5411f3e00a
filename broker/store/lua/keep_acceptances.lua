-- Remember that credentials were accepted, writing only what is news.
--
-- KEYS  last uses of API tokens (hash); for each acceptance: its mark (string).
-- ARGV  milliseconds to remember, milliseconds that a mark must have left not to be written anew,
--       milliseconds between two uses that are both noted; for each acceptance: API token id
--       (empty for none), its time in Unix milliseconds.
local remembered, fresh, between = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
for n = 1, #KEYS - 1 do
  local mark, token, at = KEYS[n + 1], ARGV[2 * n + 2], tonumber(ARGV[2 * n + 3])
  if redis.call('PTTL', mark) < fresh then
    redis.call('SET', mark, '', 'PX', remembered)
  end
  if token ~= '' then
    local used = tonumber(redis.call('HGET', KEYS[1], token) or 0)
    if at - used >= between then
      redis.call('HSET', KEYS[1], token, string.format('%d', at))
    end
  end
end
