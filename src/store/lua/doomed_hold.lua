--@use index
local blob, until_s = unpack(ARGV)

if not redis.call('ZSCORE', doomed, blob) then
  return 0
end
needs_no_memory()
redis.call('ZADD', doomed, until_s, blob)
return 1
