--@use number index upload
-- Add an upload, unless its id is in use or has a tombstone. With the index on another server the
-- blob was added there before.
local cutoff, ttl_ms, tombstone_ms, id, due, index_ms = unpack(ARGV, 1, 6)
local blob, stored = ARGV[7], ARGV[9]
local ended_at = get('ended_at_s')

if get('blob') or (ended_at and less(cutoff, ended_at)) then
  return reply('exists')
end
-- First what needs memory: Redis refuses for the want of it only a script's first write.
redis.call('SET', sealed, ARGV[16], 'PX', ttl_ms)
redis.call('DEL', upload, leases)
redis.call('HSET', upload, 'blob', blob, 'size_bytes', ARGV[8], 'stored_bytes', stored,
  'created_at_s', ARGV[10], 'expires_at_s', ARGV[11], 'claimed_at_s', ARGV[10],
  'uses_total', ARGV[12], 'uses_left', ARGV[13], 'preview_taken', ARGV[14], 'burn_hash', ARGV[15],
  'seq', 0)
redis.call('PEXPIRE', upload, ttl_ms + tombstone_ms) -- nobody may be there to end it
if has_index then
  index_add(blob, id, stored, due, index_ms)
end
return reply('ok')
