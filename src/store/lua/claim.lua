--@use number index upload
-- Take a use and make a lease of it.
local now, cutoff, ends, id, client = unpack(ARGV)
local blob, expires, left = unpack(redis.call('HMGET', upload, 'blob', 'expires_at_s', 'uses_left'))
local why = refused(now, cutoff, blob, expires, left)

if why then
  return why
end
redis.call('HINCRBY', upload, 'uses_left', -1)
redis.call('HSET', upload, 'claimed_at_s', now)
ends = min(ends, expires)
write_lease(id, {seq = redis.call('HINCRBY', upload, 'seq', 1), client = client, ends = ends,
  resumed = '0', spans = ''})
keep(leases, redis.call('PTTL', sealed))
return reply('ok', string.format('due %s %s', blob, ends), record())
