-- One upload. KEYS: upload, sealed, leases, and then the index's when they are on the same server.
--   upload  hash   the record's clear fields; once it has ended, its tombstone: then without blob
--   sealed  bytes  the sealed part
--   leases  hash   lease -> "seq client ends_at_s was_resumed spans"; a newer one has a greater seq
-- A reply is {word, change, ...}: the change of the index that is left to do elsewhere, or ''.

local upload, sealed, leases = KEYS[1], KEYS[2], KEYS[3]

local function reply(word, change, more)
  local all = {word, change or ''}

  if change and has_index then
    index_change(change)
    all[2] = ''
  end
  for i, value in ipairs(more or {}) do
    all[i + 2] = value
  end
  return all
end

local function get(field)
  return redis.call('HGET', upload, field)
end

-- Why there is nothing to be had: a tombstone is told of while it is younger than `cutoff`.
local function missing(cutoff)
  local at = get('ended_at_s')

  return reply(at and less(cutoff, at) and 'gone' or 'notfound')
end

-- Why an upload of these fields is not to be had, or nil when it is: ended, used up, expired, or its
-- sealed part has passed its time here, by the server's clock.
local function refused(now, cutoff, blob, expires, left)
  if not blob then
    return missing(cutoff)
  elseif left == '0' or not less(now, expires) or redis.call('EXISTS', sealed) == 0 then
    return reply('gone')
  end
end

-- Field names are those of struct record.
local function record()
  local all = redis.call('HMGET', upload, 'blob', 'size_bytes', 'stored_bytes', 'created_at_s',
    'expires_at_s', 'uses_total', 'uses_left', 'preview_taken', 'burn_hash')

  all[10] = redis.call('GET', sealed)
  return all
end

-- ---- leases ----

local function read_lease(text)
  local seq, client, ends, resumed, spans = text:match('^(%d+) (%x+) (%-?%d+) ([01]) ([%d,%-]*)$')

  if not seq then
    error('a lease is damaged')
  end
  return {seq = tonumber(seq), client = client, ends = ends, resumed = resumed, spans = spans}
end

local function write_lease(id, l)
  redis.call('HSET', leases, id, string.format('%d %s %s %s %s', l.seq, l.client, l.ends, l.resumed,
    l.spans))
end

-- Lease `id`, or nil.
local function lease(id)
  local text = redis.call('HGET', leases, id)

  return text and read_lease(text)
end

-- All of them, as id -> lease.
local function all_leases()
  local flat, all = redis.call('HGETALL', leases), {}

  for i = 1, #flat, 2 do
    all[flat[i]] = read_lease(flat[i + 1])
  end
  return all
end

local function is_leased(now)
  for _, l in pairs(all_leases()) do
    if less(now, l.ends) then
      return true
    end
  end
  return false
end

-- ---- the end ----

local grace_ms = 60000 -- the server's clock is to be the later one; as RD_GRACE_S

-- Turn the upload into a tombstone, which lasts `tombstone_ms` from when it ended; the change that
-- dooms its blob.
local function finish(by, at, now, tombstone_ms)
  local blob = get('blob')
  local left_ms = tombstone_ms - math.max(0, now - at) * 1000

  redis.call('DEL', sealed, leases)
  redis.call('HDEL', upload, 'blob', 'size_bytes', 'stored_bytes', 'created_at_s', 'claimed_at_s',
    'preview_taken', 'burn_hash', 'seq')
  redis.call('HSET', upload, 'ended_at_s', at, 'ended_by', by)
  redis.call('PEXPIRE', upload, left_ms > 0 and left_ms + grace_ms or 0) -- 0 deletes it
  return string.format('doom %s %s %s', blob, at, by)
end
