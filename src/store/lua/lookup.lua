--@use number index upload
-- Read the record of what is live, or used up and still leased.
local now, cutoff = unpack(ARGV)
local blob, expires, left = unpack(redis.call('HMGET', upload, 'blob', 'expires_at_s', 'uses_left'))

if not blob then
  return missing(cutoff)
end
if not less(now, expires) or (left == '0' and not is_leased(now))
  or redis.call('EXISTS', sealed) == 0 then
  return reply('gone')
end
return reply('ok', nil, record())
