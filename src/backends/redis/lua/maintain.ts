/**
 * One step of the upkeep of a queue. ARGV: leaseMs, unhandledGraceMs, maxCrashes, keepDeadMs, limit, types.
 *
 * The server's clock can be set, and a fail-over leads to another one. Set back, it would make leases last: the
 * difference is made up by `skew`, so that the lease clock never goes back. Set forward by more than a lease it looks
 * like an outage, and everybody has one lease of grace, as after one.
 */
export const MAINTAIN: string = `
local q = open(KEYS[1])
local s = state(q)
local leaseMs, graceMs = tonumber(ARGV[1]), tonumber(ARGV[2])
local most, keep, left = tonumber(ARGV[3]), number(ARGV[4]), tonumber(ARGV[5])

local last, graceUntil = unpack(call('HMGET', q.meta, 'maintained', 'grace'))
last, graceUntil = last and tonumber(last), graceUntil and tonumber(graceUntil)
if last and s.lease < last then
  call('HINCRBY', q.meta, 'skew', last - s.lease)
  s.lease = last
end
local gap = not last or s.lease - last > leaseMs
if gap then graceUntil = s.lease + leaseMs end
call('HSET', q.meta, 'maintained', s.lease, 'grace', graceUntil or 0)
if #ARGV > 5 then
  local handled = {}
  for i = 6, #ARGV do
    handled[#handled + 1] = ARGV[i]
    handled[#handled + 1] = s.lease
  end
  callAll('HSET', q.h, handled)
  callAll('HDEL', q.u, { unpack(ARGV, 6) })
end
if call('EXISTS', q.j) == 0 then
  call('DEL', q.u)
  return { 0, {}, {}, 0, 0, {}, 0 }
end

-- At a gap, what had run out when upkeep last ran has had its grace.
local bound = s.lease
if gap then bound = last elseif graceUntil and s.lease < graceUntil then bound = nil end
local report = { returned = 0, crashed = {}, dead = {} }
if bound then
  for _, token in ipairs(call('ZRANGEBYSCORE', q.l, '-inf', bound, 'LIMIT', 0, left)) do
    if left <= 0 then break end
    left = left - reapClaim(q, token, most, keep, left, report)
  end
end

local promoted = promote(q, left)
left = left - promoted

if left > 0 then
  for _, entry in ipairs(call('ZRANGEBYSCORE', q.e, '-inf', now, 'LIMIT', 0, left)) do
    local job = loadEntry(q, entry)
    if placeOf(q, job) == 'delayed' then undelay(q, job) else unwait(q, job) end
    finish(q, job, 'dead', nil, EXPIRED, 'dead')
    left = left - 1
  end
end

local removed = 0
if left > 0 then
  for _, entry in ipairs(call('ZRANGEBYSCORE', q.k, '-inf', now, 'LIMIT', 0, left)) do
    forget(q, loadEntry(q, entry))
    removed = removed + 1
  end
  left = left - removed
end

-- The types of jobs that can run, each with its lines.
local waiting = {}
for _, index in ipairs({ 'lines', 'slines' }) do
  for _, line in ipairs(call('ZRANGE', q[index], 0, -1)) do
    local keys = index == 'lines' and { q['w:' .. line], q['b:' .. line] } or { q['s:' .. line] }
    for _, key in ipairs(keys) do
      if call('EXISTS', key) == 1 then
        local kind = sub(line, find(line, ':', 1, true) + 1)
        waiting[kind] = waiting[kind] or {}
        table.insert(waiting[kind], key)
      end
    end
  end
end

local function isWaiting(job) return placeOf(q, job) == 'waiting' end

-- The first entry in a list or set that names a job that waits; what was left behind there is taken away.
local function head(key)
  while true do
    if call('TYPE', key).ok ~= 'list' then return call('ZRANGE', key, 0, 0)[1] end
    local entry = call('LINDEX', key, 0)
    if not entry or s.holes == 0 then return entry or nil end
    local job = loadEntry(q, entry)
    if job and isWaiting(job) and not job.m.c then return entry end
    call('LPOP', key)
    s.holes = call('HINCRBY', q.meta, 'holes', -1)
  end
end

for _, kind in ipairs(call('HKEYS', q.u)) do
  if not waiting[kind] then call('HDEL', q.u, kind) end
end
local unhandled = {}
for kind, keys in pairs(waiting) do
  local handled = call('HGET', q.h, kind)
  local any = false
  for _, key in ipairs(keys) do any = any or head(key) end
  if not any or (handled and s.lease - handled <= leaseMs) then call('HDEL', q.u, kind)
  else
    local since = call('HGET', q.u, kind)
    since = not gap and since and tonumber(since) or s.lease
    call('HSET', q.u, kind, since)
    local dead = 0
    if s.lease - since >= graceMs then
      for _, key in ipairs(keys) do
        while left > 0 do
          local entry = head(key)
          if not entry then break end
          local job = loadEntry(q, entry)
          unwait(q, job)
          finish(q, job, 'dead', nil, unknownType(kind), 'dead')
          dead, left = dead + 1, left - 1
        end
      end
    end
    unhandled[#unhandled + 1] = { kind, string.format('%.0f', s.lease - since), dead }
  end
end
publish()
return { report.returned, report.crashed, report.dead, promoted, removed, unhandled, left <= 0 and 1 or 0 }
`
