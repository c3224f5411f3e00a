-- Take a place in each of several sliding windows, or in none of them.
--
-- KEYS  for each window: its places (sorted set, by Unix microseconds), mark of its first refusal.
-- ARGV  mark of this request, `take` or `look`; for each window: count, period in microseconds.
-- Returns nil where there are places, else {window, microseconds until it has one, 1 if this is
-- the first refusal in a stretch as long as the period}: of several full windows the one that is
-- full for longest.
--
-- A place taken at t is free again at t + period, not a microsecond earlier. Sending this twice
-- takes one place and reports one first refusal: both are kept with the mark of the request.
-- Where there are places, looking writes nothing: it goes on where the server takes no writes.
local mark, takes = ARGV[1], ARGV[2] == 'take'
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

if redis.call('ZSCORE', KEYS[1], mark) then
  return false
end

local fullest, longest = nil, 0
for n = 1, #KEYS / 2 do
  local places, count, period = KEYS[2 * n - 1], tonumber(ARGV[2 * n + 1]), ARGV[2 * n + 2]
  local after = string.format('(%d', now - period)
  local taken = redis.call('ZCOUNT', places, after, '+inf')
  if taken >= count then
    -- More may stand there than are allowed now, where the limit was lowered.
    local next_free = redis.call('ZRANGE', places, after, '+inf', 'BYSCORE',
      'LIMIT', taken - count, 1, 'WITHSCORES')
    local wait = next_free[2] + period - now
    if wait > longest then
      fullest, longest = n, wait
    end
  end
end

if fullest then
  local refused, milliseconds = KEYS[2 * fullest], math.ceil(ARGV[2 * fullest + 2] / 1000)
  redis.call('SET', refused, mark, 'NX', 'PX', string.format('%d', milliseconds))
  local first = redis.call('GET', refused) == mark
  return {fullest, longest, first and 1 or 0}
end

if takes then
  for n = 1, #KEYS / 2 do
    -- The server's timers know no microseconds, so the key outlasts its last place by one tick.
    local places, milliseconds = KEYS[2 * n - 1], math.ceil(ARGV[2 * n + 2] / 1000) + 1
    redis.call('ZREMRANGEBYSCORE', places, '-inf', string.format('%d', now - ARGV[2 * n + 2]))
    redis.call('ZADD', places, string.format('%d', now), mark)
    redis.call('PEXPIRE', places, string.format('%d', milliseconds))
  end
end
return false
