--@use number index upload
-- End the upload of `blob` if it is due, drop its leases that are over, or say when to look again.
-- `was` is the time in the index that led here. A blob without its upload is doomed as well: a node
-- died between the two steps of a put or of an end, or the server's clock has dropped the record.
local now, blob, was, tombstone_ms = unpack(ARGV)
local its_blob, expires, left, ended_at, ended_by = unpack(redis.call('HMGET', upload, 'blob',
  'expires_at_s', 'uses_left', 'ended_at_s', 'ended_by'))
local n, next_at = 0, expires

if its_blob ~= blob then
  return reply('ok', string.format('doom %s %s %s', blob, ended_at or now, ended_by or '1'), {'0'})
end
for id, l in pairs(all_leases()) do
  if less(now, l.ends) then
    n = n + 1
    next_at = min(next_at, l.ends)
  else
    redis.call('HDEL', leases, id)
  end
end
if left == '0' and (n == 0 or not less(now, expires)) then
  return reply('ok', finish('0', get('claimed_at_s'), now, tombstone_ms), {'1'})
end
if not less(now, expires) then
  return reply('ok', finish('1', expires, now, tombstone_ms), {'1'})
end
return reply('ok', string.format('later %s %s %s', blob, next_at, was), {'0'})
