-- The index: which uploads are due when, and which blobs wait to be destroyed. Its four keys are
-- the last four of KEYS, or missing when a Cluster keeps them elsewhere:
--   blobs   hash    blob -> "id stored_bytes", of a doomed one "id stored_bytes ended_at_s ended_by"
--   live    sorted  blobs of uploads with a record, by when to look at them: never too late
--   doomed  sorted  blobs that wait, by when their hold is over; 0: nobody holds them
--   bytes   number  the sum of all stored_bytes
-- What goes to another server is a change in words: "due BLOB AT", "doom BLOB AT BY" or
-- "later BLOB AT WAS".

local has_index = #KEYS ~= 3
local blobs, live, doomed, bytes = KEYS[#KEYS - 3], KEYS[#KEYS - 2], KEYS[#KEYS - 1], KEYS[#KEYS]

-- For want of memory Redis refuses only a script's first write. This is one, and changes nothing:
-- what ends uploads frees memory in the end, and has to go on when there is none left.
local function needs_no_memory()
  redis.call('ZREM', doomed, '')
end

-- Let a key last for at least ms from now.
local function keep(key, ms)
  if redis.call('PTTL', key) < tonumber(ms) then
    redis.call('PEXPIRE', key, ms)
  end
end

-- 1, or 0 when the blob was there.
local function index_add(blob, id, stored, due, ms)
  if redis.call('HSETNX', blobs, blob, id .. ' ' .. stored) == 0 then
    return 0
  end
  redis.call('ZADD', live, due, blob)
  redis.call('INCRBY', bytes, stored)
  keep(blobs, ms)
  keep(live, ms)
  keep(bytes, ms)
  return 1
end

local function index_drop(blob)
  local entry = redis.call('HGET', blobs, blob)

  if entry then
    redis.call('DECRBY', bytes, entry:match('^%x+ (%d+)'))
    redis.call('HDEL', blobs, blob)
    redis.call('ZREM', live, blob)
    redis.call('ZREM', doomed, blob)
  end
end

-- Look at it at `at` or earlier. In a Cluster another node may have looked at the upload before it
-- changed, and be about to say `later`: that is then told by a score that is other than it was, if
-- only by a part of a second.
local function index_due(blob, at)
  local now = redis.call('ZSCORE', live, blob)

  if now and tonumber(at) < tonumber(now) then
    redis.call('ZADD', live, at, blob)
  elseif now and #KEYS == 4 then
    redis.call('ZINCRBY', live, -1 / 1024, blob)
  end
end

-- Look at it at `at`, unless somebody has changed `was`, the time that led us to it.
local function index_later(blob, at, was)
  if redis.call('ZSCORE', live, blob) == was then
    needs_no_memory()
    redis.call('ZADD', live, at, blob)
  end
end

local function index_doom(blob, at, by)
  if redis.call('ZREM', live, blob) == 1 then
    local entry = redis.call('HGET', blobs, blob)

    redis.call('HSET', blobs, blob, entry .. ' ' .. at .. ' ' .. by)
    redis.call('ZADD', doomed, 0, blob)
    keep(doomed, redis.call('PTTL', blobs))
  end
end

local function index_change(words)
  local verb, blob, at, last = words:match('^(%a+) (%x+) (%S+) ?(%S*)$')

  if verb == 'due' then
    index_due(blob, at)
  elseif verb == 'later' then
    index_later(blob, at, last)
  elseif verb == 'doom' then
    index_doom(blob, at, last)
  end
end
