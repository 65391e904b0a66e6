/**
 * What every script begins with: the names of a queue's keys, its state, and the reading of a job.
 *
 * An *entry* is `seq:id`. It names one job for ever, for no `seq` is given twice, so what is left behind of a job
 * that was removed never means another one with the same id. A *line* is `priority:type`: jobs that wait in it
 * differ in nothing but their `seq`.
 */
export const BASE: string = `
local call, sub, find, byte = redis.call, string.sub, string.find, string.byte

-- The keys of a queue, made when they are first asked for.
local function open(base)
  return setmetatable({ base = base }, { __index = function(q, name)
    local key = base .. ':' .. name
    q[name] = key
    return key
  end })
end

local woken = {}
local function wake(q) woken[q.base] = q end
local function publish()
  for _, q in pairs(woken) do
    -- Who has heard this number knows that nothing was missed.
    call('HINCRBY', q.meta, 'wakes', 1)
    call('PUBLISH', q.wake, '')
  end
end

local function state(q)
  local v = call('HMGET', q.meta, 'format', 'paused', 'control', 'skew', 'holes', 'wakes')
  if v[1] and tonumber(v[1]) > 1 then error('MILLHAND_NEWER') end
  return {
    paused = v[2] == '1',
    control = tonumber(v[3] or 0),
    lease = ticks + tonumber(v[4] or 0),
    holes = tonumber(v[5] or 0),
    wakes = v[6] or '0',
  }
end

local function idOf(entry) return sub(entry, find(entry, ':', 1, true) + 1) end

-- Calls a command with more arguments than Lua can spread at once.
local function callAll(command, key, args)
  local count = 0
  for from = 1, #args, 2000 do
    local reply = call(command, key, unpack(args, from, math.min(from + 1999, #args)))
    if type(reply) == 'number' then count = count + reply end
  end
  return count
end

local function getAll(key, fields)
  if #fields <= 2000 then return #fields == 0 and {} or call('HMGET', key, unpack(fields)) end
  local all = {}
  for from = 1, #fields, 2000 do
    for _, value in ipairs(call('HMGET', key, unpack(fields, from, math.min(from + 1999, #fields)))) do
      all[#all + 1] = value
    end
  end
  return all
end

-- What was written when the job was added never changes; what became of it since is in m, and most jobs have none.
local function parse(id, record, changes)
  local seq, created, flags, priority, kind, at = struct.unpack('>I6I6BHHc0', record)
  local job = {
    id = id, record = record, seq = seq, created = created, flags = flags, priority = priority, type = kind,
    entry = seq .. ':' .. id, line = priority .. ':' .. kind, dedupe = 0,
    m = changes and cmsgpack.unpack(changes) or {},
  }
  if flags >= 128 then job.expire, at = struct.unpack('>I6', record, at) end
  if flags % 128 >= 64 then job.dedupe, at = struct.unpack('>I6', record, at) end
  job.at = at
  return job
end

local function load(q, id)
  local record = call('HGET', q.j, id)
  return record and parse(id, record, call('HGET', q.m, id))
end

-- The job that an entry names, unless that is gone.
local function loadEntry(q, entry)
  local job = load(q, idOf(entry))
  if job and job.entry == entry then return job end
end

local function save(q, job)
  if next(job.m) == nil then call('HDEL', q.m, job.id)
  else call('HSET', q.m, job.id, cmsgpack.pack(job.m)) end
end

-- Where a job is, and for an active one the claim that has it.
local function placeOf(q, job)
  if job.m.s then return job.m.s end
  local claim = call('HGET', q.a, job.entry)
  if claim then return 'active', claim end
  if call('ZSCORE', q.d, job.entry) then return 'delayed' end
  return 'waiting'
end

local function number(text) if text ~= '' then return tonumber(text) end end
`
