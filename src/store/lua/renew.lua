--@use number index upload
-- Let a lease that is not over last to `ends`.
local now, ends, id = unpack(ARGV)
local l = lease(id)

if not l or not less(now, l.ends) then
  return reply('notfound')
end
l.ends = min(ends, get('expires_at_s'))
write_lease(id, l)
return reply('ok', string.format('due %s %s', get('blob'), l.ends))
