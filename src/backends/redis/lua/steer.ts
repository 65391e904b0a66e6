/** What people do to a queue from outside. KEYS[1] is the base of its keys. */

/** ARGV: 1 to pause, 0 to resume. */
export const PAUSE: string = `
local q = open(KEYS[1])
state(q)
call('HSET', q.meta, 'paused', ARGV[1])
call('HINCRBY', q.meta, 'control', 1)
wake(q)
publish()
return 1
`

const LEAVE = `
-- Takes a job out of its place, whatever that is, but not its record.
local function leave(q, job, place, claim)
  if place == 'active' then
    call('HDEL', q.a, job.entry)
    letGo(q, sub(claim, 2), 1)
  elseif place == 'delayed' then undelay(q, job)
  elseif place == 'waiting' then unwait(q, job) end
end
`

/** ARGV: keep, ids. Answers with c, n or f for each. */
export const CANCEL: string = `${LEAVE}
local q = open(KEYS[1])
state(q)
local answers = {}
for i = 2, #ARGV do
  local job = load(q, ARGV[i])
  if not job then answers[#answers + 1] = 'n'
  elseif job.m.s then answers[#answers + 1] = 'f'
  else
    local place, claim = placeOf(q, job)
    leave(q, job, place, claim)
    finish(q, job, 'cancelled', number(ARGV[1]), nil, 'cancel')
    if place == 'active' then
      call('HINCRBY', q.meta, 'control', 1)
      wake(q)
    end
    answers[#answers + 1] = 'c'
  end
end
publish()
return table.concat(answers)
`

/** ARGV: entries. Answers with how many wait again. */
export const REPLAY: string = `
local q = open(KEYS[1])
state(q)
local count = 0
for i = 1, #ARGV do
  local job = loadEntry(q, ARGV[i])
  -- 3: no more than the id was kept.
  if job and (job.m.s == 'dead' or job.m.s == 'cancelled') and job.flags % 4 ~= 3 then
    local m = job.m
    call('HINCRBY', q.meta, m.s, -1)
    call('ZREM', q.x, job.entry)
    if m.k then call('ZREM', q.k, job.entry) end
    m.s, m.f, m.k, m.a, m.c, m.h = nil, nil, nil, nil, nil, nil
    if job.expire then m.x = 1 end
    note(job, 'replay', nil)
    save(q, job)
    wait(q, job)
    count = count + 1
  end
end
publish()
return count
`

/** ARGV: entries. Answers with how many were removed. */
export const PURGE: string = `${LEAVE}
local q = open(KEYS[1])
state(q)
local count = 0
for i = 1, #ARGV do
  local job = loadEntry(q, ARGV[i])
  local place, claim = nil, nil
  if job then place, claim = placeOf(q, job) end
  if job and place ~= 'active' then
    leave(q, job, place, claim)
    forget(q, job)
    count = count + 1
  end
end
return count
`
