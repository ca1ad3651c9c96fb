--@use index
-- The next doomed blob whose hold is over by `now`; hold it to `until_s`.
local now, until_s = unpack(ARGV)
local blob = redis.call('ZRANGEBYSCORE', doomed, '-inf', now, 'LIMIT', 0, 1)[1]

if not blob then
  return false
end
needs_no_memory()
redis.call('ZADD', doomed, until_s, blob)
return {blob, redis.call('HGET', blobs, blob)}
