/** What is done to claimed jobs while they run: KEYS[1] is the base of the queue's keys. */

/** ARGV: entry and token of each. Answers with 's'tarted, 'p'aused or stale ('-') for each. */
export const START: string = `
local q = open(KEYS[1])
local s = state(q)
local answers = {}
for i = 1, #ARGV, 2 do
  local claim = call('HGET', q.a, ARGV[i])
  if not claim or sub(claim, 2) ~= ARGV[i + 1] then answers[#answers + 1] = '-'
  elseif isStarted(claim) then answers[#answers + 1] = 's'
  elseif s.paused then answers[#answers + 1] = 'p'
  else
    call('HSET', q.a, ARGV[i], (sub(claim, 1, 1) == 'C' and 'S' or 's') .. ARGV[i + 1])
    answers[#answers + 1] = 's'
  end
end
return table.concat(answers)
`

/** ARGV: entry, token and progress of each. Answers with 1 or 0 for each. */
export const PROGRESS: string = `
local q = open(KEYS[1])
state(q)
local answers = {}
for i = 1, #ARGV, 3 do
  local entry, token = ARGV[i], ARGV[i + 1]
  local claim = call('HGET', q.a, entry)
  if claim and sub(claim, 2) == token then
    call('HSET', q.p, idOf(entry), ARGV[i + 2])
    local job = loadEntry(q, entry)
    -- Says to who settles that there is more to remove than the record.
    job.m.p = 1
    save(q, job)
    call('HSET', q.a, entry, (isStarted(claim) and 'S' or 'C') .. token)
    answers[#answers + 1] = '1'
  else answers[#answers + 1] = '0' end
end
return table.concat(answers)
`

/** Claims are few: as many as there are workers, or jobs that run. */
const TOKENS = `
local tokens, prefix = {}, ARGV[1] .. ':'
for _, token in ipairs(call('ZRANGE', q.l, 0, -1)) do
  if sub(token, 1, #prefix) == prefix then tokens[#tokens + 1] = token end
end
`

/** ARGV: owner, ms. Answers with token and ids of each claim. */
export const RENEW: string = `
local q = open(KEYS[1])
local s = state(q)
local answer = {}
${TOKENS}
for _, token in ipairs(tokens) do
  local renewUntil, entries = unpack(cmsgpack.unpack(call('HGET', q.c, 'i' .. token)))
  local untilMs = s.lease + tonumber(ARGV[2])
  if renewUntil > 0 and renewUntil < untilMs then untilMs = renewUntil end
  call('ZADD', q.l, untilMs, token)
  local ids = {}
  local claims = getAll(q.a, entries)
  for i, entry in ipairs(entries) do
    if claims[i] and sub(claims[i], 2) == token then ids[#ids + 1] = idOf(entry) end
  end
  answer[#answer + 1] = token
  answer[#answer + 1] = ids
end
return answer
`

/** ARGV: owner, maxCrashes, keep, limit. Answers with what was returned, crashed and dead, and whether there is more. */
export const RELEASE_OWNER: string = `
local q = open(KEYS[1])
state(q)
local report = { returned = 0, crashed = {}, dead = {} }
local left = tonumber(ARGV[4])
${TOKENS}
for _, token in ipairs(tokens) do
  if left <= 0 then break end
  left = left - reapClaim(q, token, tonumber(ARGV[2]), number(ARGV[3]), left, report)
end
publish()
return { report.returned, report.crashed, report.dead, left <= 0 and 1 or 0 }
`
