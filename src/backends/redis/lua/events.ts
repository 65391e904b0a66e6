import { EXPIRED, unknownType, WORKER_DIED } from '../../../queue/transition.ts'
import { HISTORY_LIMIT } from '../../../queue/job.ts'

/** A text of ours as Lua says it. */
function quoted(text: string): string {
  return `[==[${text}]==]`
}

const [BEFORE_TYPE = '', AFTER_TYPE = ''] = unknownType('\u0001').message.split('\u0001')
const { message: died, ...WITHOUT_MESSAGE } = WORKER_DIED

/** What happens to jobs, as transition() says it. Each leaves the job in its new place, and its m saved. */
export const EVENTS: string = `
local EXPIRED = ${quoted(JSON.stringify(EXPIRED))}
local DIED = {
  whole = ${quoted(JSON.stringify(WORKER_DIED))},
  head = ${quoted(JSON.stringify({ message: died }).slice(0, -2))},
  tail = ${quoted(`",${JSON.stringify({ ...WITHOUT_MESSAGE, code: 'JOB_CRASHED' }).slice(1)}`)},
}
local function unknownType(kind)
  return '{"name":"UnknownJobTypeError","message":' .. cjson.encode(${quoted(BEFORE_TYPE)} .. kind .. ${quoted(AFTER_TYPE)})
    .. ',"code":"UNKNOWN_JOB_TYPE","stack":null}'
end

local function note(job, event, err)
  local lines = job.m.H or {}
  if #lines >= ${HISTORY_LIMIT} then table.remove(lines, 1) end
  lines[#lines + 1] = '{"at":' .. string.format('%.0f', now) .. ',"event":"' .. event .. '","error":' .. (err or 'null') .. '}'
  job.m.H = lines
end

-- Jobs that come back keep their place by seq in b; suspects have lines of their own.
local function wait(q, job)
  local lines, line = q.lines, q['b:' .. job.line]
  if job.m.c then lines, line = q.slines, q['s:' .. job.line] end
  call('ZADD', line, job.seq, job.entry)
  call('ZADD', lines, -job.priority, job.line)
  if job.expire and not job.m.x then call('ZADD', q.e, job.created + job.expire, job.entry) end
  wake(q)
end

local function delay(q, job, runAt)
  if runAt <= now then return wait(q, job) end
  call('ZADD', q.d, runAt, job.entry)
  call('ZADD', q.x, job.seq, job.entry)
  if job.expire and not job.m.x then call('ZADD', q.e, job.created + job.expire, job.entry) end
  wake(q)
end

local function unwait(q, job)
  if job.expire then call('ZREM', q.e, job.entry) end
  if job.m.c then return call('ZREM', q['s:' .. job.line], job.entry) end
  if call('ZREM', q['b:' .. job.line], job.entry) == 1 then return end
  local list = q['w:' .. job.line]
  if call('LINDEX', list, 0) == job.entry then return call('LPOP', list) end
  if call('LINDEX', list, -1) == job.entry then return call('RPOP', list) end
  -- To look through a long list takes long. The entry may stay, for it names nothing that waits; but then those
  -- who claim must look at each.
  local length = call('LLEN', list)
  local holes = tonumber(call('HGET', q.meta, 'holes') or 0)
  if length <= 500 or holes > length / 2 then call('LREM', list, 1, job.entry)
  else call('HINCRBY', q.meta, 'holes', 1) end
end

-- A claim that holds nothing any more is forgotten.
local function letGo(q, token, count)
  if call('HINCRBY', q.c, 'n' .. token, -count) <= 0 then
    call('HDEL', q.c, 'n' .. token, 'i' .. token)
    call('ZREM', q.l, token)
  end
end

local function undelay(q, job)
  if job.expire then call('ZREM', q.e, job.entry) end
  call('ZREM', q.d, job.entry)
  call('ZREM', q.x, job.entry)
end

local function forget(q, job)
  call('HDEL', q.j, job.id)
  call('HDEL', q.m, job.id)
  call('HDEL', q.r, job.id)
  call('HDEL', q.p, job.id)
  if job.m.s then
    call('ZREM', q.x, job.entry)
    if job.m.k then call('ZREM', q.k, job.entry) end
    call('HINCRBY', q.meta, job.m.s, -1)
  end
end

-- Keeps of a record what its id needs: no payload, and the codec that says so (3).
local function withoutPayload(job)
  local record, at, flags = job.record, job.at, job.flags
  if flags % 64 >= 32 then
    local length = struct.unpack('>H', record, at)
    record = sub(record, 1, at - 1) .. sub(record, at + 2 + length)
    flags = flags - 32
  end
  local stop = at - 1
  if flags % 32 >= 16 then stop = at + 3 + struct.unpack('>I4', record, at) end
  return sub(record, 1, 12) .. string.char(flags - flags % 4 + 3) .. sub(record, 14, stop)
end

-- The end of a job that has left its place. keep: ms, or nil for ever.
local function finish(q, job, final, keep, err, event)
  if keep == 0 and job.dedupe == 0 then return forget(q, job) end
  local m = job.m
  m.s, m.f, m.k = final, now, keep and now + math.max(keep, job.dedupe)
  if keep == 0 then call('HSET', q.j, job.id, withoutPayload(job)) end
  if event then note(job, event, err) end
  if err then m.e = err end
  call('HINCRBY', q.meta, final, 1)
  call('ZADD', q.x, job.seq, job.entry)
  if m.k then call('ZADD', q.k, m.k, job.entry) end
  save(q, job)
end

-- err.whole is the error as JSON; head and tail are what stands before and behind the end of its message.
local function crash(q, job, err, most, keep)
  local crashes = (job.m.c or 0) + 1
  job.m.c = crashes
  if crashes < most then
    note(job, 'crash', err.whole)
    job.m.e = err.whole
    save(q, job)
    wait(q, job)
    return 'waiting'
  end
  local final = err.head .. ' (crash ' .. crashes .. ' of ' .. most .. ')' .. err.tail
  finish(q, job, 'dead', keep, final, 'dead')
  return 'dead'
end

-- What becomes of a job whose claim was taken from its owner.
local function reap(q, job, started, most, keep, report)
  if not started then
    wait(q, job)
    report.returned = report.returned + 1
  elseif crash(q, job, DIED, most, keep) == 'waiting' then
    report.crashed[#report.crashed + 1] = job.id
  else
    report.dead[#report.dead + 1] = job.id
  end
end

-- In a claim, s says started, c claimed; capitals that there is more to a job than its record.
local function isStarted(claim)
  local first = byte(claim)
  return first == 115 or first == 83
end

-- Takes the jobs of a claim from its owner, limit at the most. Returns how many.
local function reapClaim(q, token, most, keep, limit, report)
  local blob = call('HGET', q.c, 'i' .. token)
  if not blob then return 0 end
  local entries = cmsgpack.unpack(blob)[2]
  local claims = getAll(q.a, entries)
  local count = 0
  for i, entry in ipairs(entries) do
    if count >= limit then break end
    local claim = claims[i]
    if claim and sub(claim, 2) == token then
      call('HDEL', q.a, entry)
      reap(q, loadEntry(q, entry), isStarted(claim), most, keep, report)
      count = count + 1
    end
  end
  if count > 0 then letGo(q, token, count) end
  return count
end

local function promote(q, limit)
  if limit <= 0 then return 0 end
  local due = call('ZRANGEBYSCORE', q.d, '-inf', now, 'LIMIT', 0, limit)
  for _, entry in ipairs(due) do
    local job = loadEntry(q, entry)
    undelay(q, job)
    wait(q, job)
  end
  return #due
end
`
