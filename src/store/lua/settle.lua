--@use number index upload
-- The lease's client has had from..to. As spans.c, which says why.
local now, id, from, to, spans_max, tombstone_ms = unpack(ARGV)

local function smallest(list)
  local least, least_len

  for i, span in ipairs(list) do
    -- Inexact above 2^53 bytes; all that depends on it is which of two such spans is forgotten.
    local len = tonumber(span[2]) - tonumber(span[1])

    if not least or len < least_len then
      least, least_len = i, len
    end
  end
  return least
end

-- The list of spans with one more in it; all that overlap or touch it become one.
local function added(text, a, b)
  local list, is_placed = {}, false

  for x, y in text:gmatch('(%d+)%-(%d+)') do
    if less(y, a) then
      list[#list + 1] = {x, y}
    elseif less(b, x) then
      if not is_placed then
        list[#list + 1] = {a, b}
        is_placed = true
      end
      list[#list + 1] = {x, y}
    else
      a, b = min(a, x), less(b, y) and y or b
    end
  end
  if not is_placed then
    list[#list + 1] = {a, b}
  end
  return list
end

local function text_of(list)
  for i, span in ipairs(list) do
    list[i] = span[1] .. '-' .. span[2]
  end
  return table.concat(list, ',')
end

local l, size = lease(id), get('size_bytes')

if not l then
  return reply('notfound')
end
to = min(to, size)
if less(from, to) then
  local list = added(l.spans, from, to)

  if #list > tonumber(spans_max) then
    table.remove(list, smallest(list))
  end
  l.spans = text_of(list)
end
if size ~= '0' and l.spans ~= '0-' .. size then
  write_lease(id, l)
  return reply('ok', nil, {'0'})
end
redis.call('HDEL', leases, id)
if get('uses_left') ~= '0' or is_leased(now) then
  return reply('ok', nil, {'0'})
end
return reply('ok', finish('0', get('claimed_at_s'), now, tombstone_ms), {'1'})
