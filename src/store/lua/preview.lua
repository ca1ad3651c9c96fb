--@use number index upload
-- Take the one preview.
local now, cutoff = unpack(ARGV)
local blob, expires, left, taken = unpack(redis.call('HMGET', upload, 'blob', 'expires_at_s',
  'uses_left', 'preview_taken'))

if not blob then
  return missing(cutoff)
end
if left == '0' or not less(now, expires) or redis.call('EXISTS', sealed) == 0 then
  return reply('gone')
end
if taken ~= '0' then
  return reply('taken')
end
redis.call('HSET', upload, 'preview_taken', 1)
return reply('ok', nil, record())
