--@use number index upload
-- Give a claim's use back, unless its lease was resumed.
local l = lease(ARGV[1])

if not l or l.resumed == '1' then
  return reply('notfound')
end
redis.call('HDEL', leases, ARGV[1])
redis.call('HINCRBY', upload, 'uses_left', 1)
return reply('ok')
