--@use number index upload
-- Take the one preview.
local now, cutoff = unpack(ARGV)
local blob, expires, left, taken = unpack(redis.call('HMGET', upload, 'blob', 'expires_at_s',
  'uses_left', 'preview_taken'))
local why = refused(now, cutoff, blob, expires, left)

if why then
  return why
end
if taken ~= '0' then
  return reply('taken')
end
redis.call('HSET', upload, 'preview_taken', 1)
return reply('ok', nil, record())
