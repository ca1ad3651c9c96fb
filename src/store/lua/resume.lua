--@use number index upload
-- Continue the client's newest lease that is not over and lacks the byte `from`.
local now, ends, client, from = unpack(ARGV)
local blob, size, expires = unpack(redis.call('HMGET', upload, 'blob', 'size_bytes', 'expires_at_s'))
local found, found_id

local function has(spans, off)
  for a, b in spans:gmatch('(%d+)%-(%d+)') do
    if not less(off, a) and less(off, b) then
      return true
    end
  end
  return false
end

if not blob or not less(from, size) or redis.call('EXISTS', sealed) == 0 then
  return reply('notfound')
end
for id, l in pairs(all_leases()) do
  if l.client == client and less(now, l.ends) and not has(l.spans, from)
    and (not found or found.seq < l.seq) then
    found, found_id = l, id
  end
end
if not found then
  return reply('notfound')
end
found.ends = min(ends, expires)
found.resumed = '1'
write_lease(found_id, found)
local all = record()
all[11] = found_id
return reply('ok', string.format('due %s %s', blob, found.ends), all)
