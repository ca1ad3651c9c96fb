--@use number index upload
-- End an upload now.
local now, cutoff, by, tombstone_ms = unpack(ARGV)
local blob, expires, left = unpack(redis.call('HMGET', upload, 'blob', 'expires_at_s', 'uses_left'))

if not blob then
  return missing(cutoff)
end
if not less(now, expires) or (left == '0' and not is_leased(now)) then
  return reply('gone')
end
return reply('ok', finish(by, now, now, tombstone_ms))
