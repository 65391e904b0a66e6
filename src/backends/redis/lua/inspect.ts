/** Reading, for people and for tests. KEYS[1] is the base of the queue's keys. */

const RECORDS = `
-- All that there is to know of a job, as record.ts reads it.
local function describe(q, job)
  local m = job.m
  local place, claim = placeOf(q, job)
  local token = claim and sub(claim, 2) or ''
  local function text(value) return value and (type(value) == 'number' and string.format('%.0f', value) or value) or '' end
  return {
    job.id, job.record, place, claim and (isStarted(claim) and '1' or '0') or '', token,
    claim and call('ZSCORE', q.l, token) or '', place == 'delayed' and call('ZSCORE', q.d, job.entry) or '',
    text(m.a or 0), text(m.c or 0), text(m.h), text(m.f), text(m.k), m.x and '1' or '', m.e or '',
    m.H and '[' .. table.concat(m.H, ',') .. ']' or '', call('HGET', q.r, job.id) or '', m.p and call('HGET', q.p, job.id) or false,
  }
end
`

/** ARGV: ids. Answers with what there is of them. */
export const RECORDS_BY_ID: string = `${RECORDS}
local q = open(KEYS[1])
state(q)
local found = {}
for i = 1, #ARGV do
  local job = load(q, ARGV[i])
  if job then found[#found + 1] = describe(q, job) end
end
return found
`

/**
 * The next jobs by seq. ARGV: after, how many, what to look at: w(aiting), a(ctive), x (delayed and finished). Answers
 * with their records; fewer than asked for are all that there are.
 */
export const WINDOW: string = `${RECORDS}
local q = open(KEYS[1])
state(q)
local after, size, where = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local found, seen = {}, {}
local function seqOf(entry) return tonumber(sub(entry, 1, find(entry, ':', 1, true) - 1)) end
local function add(entries)
  for _, entry in ipairs(entries) do
    if not seen[entry] then
      seen[entry] = true
      found[#found + 1] = { seqOf(entry), entry }
    end
  end
end
local function next(key) return call('ZRANGEBYSCORE', key, '(' .. string.format('%.0f', after), '+inf', 'LIMIT', 0, size) end
if find(where, 'w', 1, true) then
  for _, line in ipairs(call('ZRANGE', q.lines, 0, -1)) do
    local list = q['w:' .. line]
    -- Lists are in ascending seq, what was left behind in them included.
    local low, high = 0, call('LLEN', list)
    while low < high do
      local middle = math.floor((low + high) / 2)
      if seqOf(call('LINDEX', list, middle)) > after then high = middle else low = middle + 1 end
    end
    add(call('LRANGE', list, low, low + size - 1))
    add(next(q['b:' .. line]))
  end
  for _, line in ipairs(call('ZRANGE', q.slines, 0, -1)) do add(next(q['s:' .. line])) end
end
if find(where, 'a', 1, true) then
  local active = {}
  for _, entry in ipairs(call('HKEYS', q.a)) do
    if entry ~= '' and seqOf(entry) > after then active[#active + 1] = entry end
  end
  add(active)
end
if find(where, 'x', 1, true) then add(next(q.x)) end
table.sort(found, function(a, b) return a[1] < b[1] end)
local records = {}
for i = 1, math.min(size, #found) do
  local job = loadEntry(q, found[i][2])
  if job then records[#records + 1] = describe(q, job) end
end
return { records, #found < size and '' or string.format('%.0f', found[size][1]) }
`

export const STATS: string = `
local q = open(KEYS[1])
local s = state(q)
local done, dead, cancelled = unpack(call('HMGET', q.meta, 'done', 'dead', 'cancelled'))
-- One field of a names no job.
local delayed, active = call('ZCARD', q.d), math.max(0, call('HLEN', q.a) - 1)
local waiting = call('HLEN', q.j) - active - call('ZCARD', q.x)
local oldest
local function look(entry, list)
  if not entry then return false end
  local job = loadEntry(q, entry)
  if list and s.holes > 0 and not (job and placeOf(q, job) == 'waiting' and not job.m.c) then return true end
  if not oldest or job.seq < oldest.seq then oldest = job end
  return false
end
if waiting > 0 then
  for _, line in ipairs(call('ZRANGE', q.lines, 0, -1)) do
    local at = 0
    while look(call('LINDEX', q['w:' .. line], at), true) do at = at + 1 end
    look(call('ZRANGE', q['b:' .. line], 0, 0)[1])
  end
  for _, line in ipairs(call('ZRANGE', q.slines, 0, -1)) do look(call('ZRANGE', q['s:' .. line], 0, 0)[1]) end
end
return { waiting, delayed, active, tonumber(done or 0), tonumber(dead or 0), tonumber(cancelled or 0),
  s.paused and 1 or 0, oldest and string.format('%.0f', math.max(0, now - oldest.created)) or '0', s.wakes }
`

/** ARGV: the name of a schedule. */
export const READ_SCHEDULE: string = `
local q = open(KEYS[1])
return { string.format('%.0f', now), call('HGET', q.t, ARGV[1]) or '' }
`

/** ARGV: name, from, to, jobs as enqueue takes them. */
export const ADVANCE_SCHEDULE: string = `
local q = open(KEYS[1])
state(q)
if (call('HGET', q.t, ARGV[1]) or '') ~= ARGV[2] then return 0 end
call('HSET', q.t, ARGV[1], ARGV[3])
if ARGV[4] ~= '' then enqueue(q, ARGV[4], nil) end
publish()
return 1
`
