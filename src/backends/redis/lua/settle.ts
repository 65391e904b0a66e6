/** Ends claims: runs of jobs that are done and go, and all others one by one. Arguments: see settlements.ts. */
export const SETTLE: string = `
-- Whether the claim of an entry is still the one of this token; it is taken away if so.
local function yield(q, entry, token)
  local held = call('HGET', q.a, entry)
  if not held or sub(held, 2) ~= token then return end
  call('HDEL', q.a, entry)
  letGo(q, token, 1)
  return loadEntry(q, entry)
end

local function settleOne(q, job, at)
  local kind, keep, mode, when, err = ARGV[at], number(ARGV[at + 1]), ARGV[at + 2], number(ARGV[at + 3]), ARGV[at + 4]
  local m = job.m
  local runAt = when and (mode == 'delay' and now + when or when)
  if kind == 'done' then
    m.e = nil
    finish(q, job, 'done', keep)
    if keep ~= 0 and ARGV[at + 5] ~= '' then call('HSET', q.r, job.id, ARGV[at + 5]) end
  elseif kind == 'retry' then
    m.a, m.h, m.e = (m.a or 0) + 1, nil, err
    note(job, 'retry', err)
    save(q, job)
    delay(q, job, runAt)
  elseif kind == 'snooze' then
    m.h = nil
    save(q, job)
    delay(q, job, runAt)
  elseif kind == 'hold' then
    if not m.h then note(job, 'hold', err) end
    m.h, m.e = m.h or now, err
    save(q, job)
    delay(q, job, runAt)
  elseif kind == 'dead' then
    m.a = (m.a or 0) + 1
    finish(q, job, 'dead', keep, err, 'dead')
  elseif kind == 'cancelled' then
    finish(q, job, 'cancelled', keep, nil, 'cancel')
  elseif kind == 'release' then
    wait(q, job)
  else
    crash(q, job, { whole = err, head = ARGV[at + 5], tail = ARGV[at + 6] }, when, keep)
  end
end

-- Removes what is done and leaves nothing behind: the way of most jobs, in three commands for all of them.
local function settleRun(q, token, at, count, statuses)
  local entries, seen, plain = { unpack(ARGV, at + 1, at + count) }, {}, true
  local claims = getAll(q.a, entries)
  local started, claimed, ids = 's' .. token, 'c' .. token, {}
  for i = 1, count do
    local entry, claim = entries[i], claims[i]
    if (claim ~= started and claim ~= claimed) or seen[entry] then plain = false break end
    seen[entry] = true
    ids[i] = sub(entry, find(entry, ':', 1, true) + 1)
  end
  if plain then
    callAll('HDEL', q.a, entries)
    callAll('HDEL', q.j, ids)
    letGo(q, token, count)
    statuses[#statuses + 1] = string.rep('1', count)
    return
  end
  for i = 1, count do
    local job = yield(q, entries[i], token)
    if job then
      job.m.e = nil
      finish(q, job, 'done', 0)
    end
    statuses[#statuses + 1] = job and '1' or '0'
  end
end

-- Answers with a 1 or 0 for each settlement, the numbers of follow-ups, and where the next argument is.
local function settle(q, at)
  local statuses, followed = {}, {}
  local parts = tonumber(ARGV[at])
  at = at + 1
  for _ = 1, parts do
    local token, count = ARGV[at], tonumber(ARGV[at + 1])
    if count > 0 then
      settleRun(q, token, at + 1, count, statuses)
      at = at + 2 + count
    else
      local job = yield(q, ARGV[at + 2], token)
      local follows = tonumber(ARGV[at + 10])
      if job then
        settleOne(q, job, at + 3)
        for i = 1, follows do
          local results = enqueue(open(ARGV[at + 9 + 2 * i]), ARGV[at + 10 + 2 * i], nil)
          for _, result in ipairs(results) do followed[#followed + 1] = result end
        end
      end
      statuses[#statuses + 1] = job and '1' or '0'
      at = at + 11 + 2 * follows
    end
  end
  return table.concat(statuses), followed, at
end
`
