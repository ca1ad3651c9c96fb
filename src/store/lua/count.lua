--@use number
-- Add to a counter, which begins anew when it is past its time.
local counter = KEYS[1]
local n, now, resets_at, ttl_ms = unpack(ARGV)
local at = redis.call('HGET', counter, 'resets_at_s')

if not at or not less(now, at) then
  redis.call('HSET', counter, 'value', n, 'resets_at_s', resets_at)
  redis.call('PEXPIRE', counter, ttl_ms)
elseif type(redis.pcall('HINCRBY', counter, 'value', n)) == 'table' then -- the sum is too large
  redis.call('HSET', counter, 'value', '9223372036854775807')
end
return redis.call('HMGET', counter, 'value', 'resets_at_s')
