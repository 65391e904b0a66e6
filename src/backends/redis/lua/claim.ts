/** Takes jobs for a token, or gives those again that it holds. Arguments begin at ARGV[at]; see request.ts. */
export const CLAIM: string = `
local function wantedTypes(at)
  local wanted = {}
  for i = at + 1, at + tonumber(ARGV[at]) do wanted[ARGV[i]] = true end
  return wanted
end

local function typeOf(line) return sub(line, find(line, ':', 1, true) + 1) end

-- One place where jobs of a line wait, in ascending seq: the list of new ones, or the set of those that came back.
local function fetch(q, source, n)
  local from = source.read
  local entries
  if source.isList then entries = call('LRANGE', source.key, from, from + n - 1)
  else entries = call('ZRANGE', source.key, from, from + n - 1) end
  source.read = from + #entries
  source.entries, source.at = entries, 1
  if #entries == 0 then return end
  local ids = {}
  for i = 1, #entries do ids[i] = idOf(entries[i]) end
  source.ids = ids
  source.records = call('HMGET', q.j, unpack(ids))
  -- New jobs have no changes yet, unless something was left behind in the list.
  source.changes = (not source.isList or source.holes) and call('HMGET', q.m, unpack(ids)) or nil
end

-- What was left in a list of a job that waits there no more.
local function isHole(q, source)
  local at = source.at
  local entry, record = source.entries[at], source.records[at]
  local changes = source.changes[at] and cmsgpack.unpack(source.changes[at])
  return not record or struct.unpack('>I6', record) .. ':' .. source.ids[at] ~= entry
    or (changes and (changes.s or changes.c)) or call('HEXISTS', q.a, entry) == 1
    or call('ZSCORE', q.d, entry)
end

-- A claim that meets more than this of what is expired, or was left behind, leaves the others to the next.
local MOST_SKIPPED = 1000

-- Shows the next job of a source, and reads n more when there is none at hand.
local function peek(q, source, n)
  while true do
    if not source.entries or source.at > #source.entries then
      if source.dry then return false end
      if source.filled > MOST_SKIPPED then wake(q) return false end
      fetch(q, source, n)
      if #source.entries < n then source.dry = true end
      if #source.entries == 0 then return false end
    end
    if not (source.isList and source.holes and isHole(q, source)) then return true end
    source.at = source.at + 1
    source.used = source.used + 1
    source.filled = source.filled + 1
  end
end

local function seqAt(source) return struct.unpack('>I6', source.records[source.at]) end

local function sourcesOf(q, line, s, isSuspects)
  local function source(prefix, isList)
    return { key = q[prefix .. line], line = line, isList = isList, holes = s.holes > 0, read = 0, used = 0, filled = 0 }
  end
  if isSuspects then return { source('s:', false) } end
  local sources = { source('w:', true) }
  if call('EXISTS', q['b:' .. line]) == 1 then sources[2] = source('b:', false) end
  return sources
end

local function payloadBytes(job)
  local at, flags = job.at, job.flags
  if flags % 64 >= 32 then at = at + 2 + struct.unpack('>H', job.record, at) end
  if flags % 32 >= 16 then at = at + 4 + struct.unpack('>I4', job.record, at) end
  return #job.record - at + 1
end

-- The way of most claims: new jobs of one line, of which nothing is to be said but their records. Answers nil, and
-- nothing has happened, when any needs a closer look.
local function takePlain(q, source, limit, maxBytes, taken)
  if not source.isList or source.holes or #taken.entries > 0 or limit > 1000 then return end
  local entries = call('LRANGE', source.key, 0, limit - 1)
  local count = #entries
  if count == 0 then return false end
  local ids, bytes = {}, 0
  for i = 1, count do
    local entry = entries[i]
    ids[i] = sub(entry, find(entry, ':', 1, true) + 1)
  end
  local records = call('HMGET', q.j, unpack(ids))
  for i = 1, count do
    local record = records[i]
    if byte(record, 13) > 63 then return end
    bytes = bytes + #record
  end
  if bytes > maxBytes then return end
  call('LTRIM', source.key, count, -1)
  taken.entries, taken.records, taken.bytes, taken.plain = entries, records, bytes, true
  return count == limit
end

-- Takes jobs of lines of one priority, by seq, and out of their places. Answers true when the limits are reached.
local function takeFrom(q, sources, limit, maxBytes, taken)
  if #sources == 1 then
    local done = takePlain(q, sources[1], limit, maxBytes, taken)
    if done ~= nil then return done end
  end
  taken.plain = false
  local chunk = math.min(1000, #sources == 1 and limit or math.ceil(limit / #sources) + 8)
  local late, done = {}, false
  while not done and #taken.entries < limit do
    local n = math.min(chunk, limit - #taken.entries + 8)
    local best, lowest
    for _, source in ipairs(sources) do
      if peek(q, source, n) then
        if #sources == 1 then best = source
        else
          local seq = seqAt(source)
          if not lowest or seq < lowest then best, lowest = source, seq end
        end
      end
    end
    if not best then break end
    local at = best.at
    local record, changes = best.records[at], best.changes and best.changes[at] or false
    local flags = byte(record, 13)
    -- A payload is no longer than its record: most need not be measured.
    local size = taken.exact and payloadBytes(parse('', record)) or #record
    if taken.bytes + size > maxBytes and not taken.exact then
      taken.exact, taken.bytes, size = true, 0, payloadBytes(parse('', record))
      for _, each in ipairs(taken.records) do taken.bytes = taken.bytes + payloadBytes(parse('', each)) end
    end
    if taken.bytes + size > maxBytes and #taken.entries > 0 then
      done = true
      break
    end
    local isLate = false
    if flags >= 128 then
      local job = parse(best.ids[at], record, changes)
      if not job.m.x then
        isLate = job.created + job.expire <= now
        if isLate then late[#late + 1] = job else call('ZREM', q.e, job.entry) end
      end
    end
    if not isLate then
      taken.bytes = taken.bytes + size
      local n = #taken.entries + 1
      taken.entries[n], taken.records[n], taken.changes[n] = best.entries[at], record, changes
      taken.special[n] = changes or flags % 128 >= 64
      if best.isList and best.holes and call('ZREM', q['b:' .. best.line], best.entries[at]) == 1 then
        best.filled = best.filled + 1
        for _, source in ipairs(sources) do
          -- Its second place: nobody may step on it.
          if source.line == best.line and not source.isList then
            source.entries, source.read, source.dry = nil, source.used, false
          end
        end
      end
    end
    best.at = at + 1
    best.used = best.used + 1
    if #late >= MOST_SKIPPED then wake(q) done = true end
  end
  local filled = 0
  for _, source in ipairs(sources) do
    if source.used > 0 then
      if source.isList then call('LTRIM', source.key, source.used, -1)
      else call('ZREMRANGEBYRANK', source.key, 0, source.used - 1) end
      filled = filled + source.filled
    end
  end
  if filled > 0 then
    if call('HINCRBY', q.meta, 'holes', -filled) <= 0 then call('HDEL', q.meta, 'holes') end
  end
  for _, job in ipairs(late) do
    call('ZREM', q.e, job.entry)
    finish(q, job, 'dead', nil, EXPIRED, 'dead')
  end
  return done
end

-- The most urgent first; lines of one priority are merged by seq.
local function take(q, s, wanted, limit, maxBytes, isSuspects)
  local taken = { entries = {}, records = {}, changes = {}, special = {}, bytes = 0 }
  local index = isSuspects and q.slines or q.lines
  local lines = call('ZRANGE', index, 0, -1, 'WITHSCORES')
  local at = 1
  while at <= #lines do
    local priority, group, these = lines[at + 1], {}, {}
    while at <= #lines and lines[at + 1] == priority do
      local line = lines[at]
      if wanted[typeOf(line)] then
        these[#these + 1] = line
        for _, source in ipairs(sourcesOf(q, line, s, isSuspects)) do group[#group + 1] = source end
      end
      at = at + 2
    end
    if #group > 0 then
      local done = takeFrom(q, group, limit, maxBytes, taken)
      -- Those that may have been emptied; one that just was is met by the next claim.
      for _, line in ipairs(done and {} or these) do
        local left = isSuspects and call('EXISTS', q['s:' .. line]) or call('EXISTS', q['w:' .. line], q['b:' .. line])
        if left == 0 then call('ZREM', index, line) end
      end
      if done or #taken.entries >= limit then break end
    end
  end
  return taken
end

local LONG = string.rep('-', 65)

local function hold(q, s, token, start, leaseMs, renewMs, taken)
  local entries, special = taken.entries, taken.special
  -- Small hashes are kept as lists and searched from one end to the other, unless something in them is long.
  local values = { '', LONG }
  local claim = 's' .. token
  for i = 1, #entries do
    if i == start + 1 then claim = 'c' .. token end
    values[2 * i + 1] = entries[i]
    values[2 * i + 2] = special[i] and string.upper(sub(claim, 1, 1)) .. token or claim
  end
  callAll('HSET', q.a, values)
  local renewUntil = renewMs and s.lease + renewMs or 0
  local untilMs = s.lease + leaseMs
  if renewMs and renewUntil < untilMs then untilMs = renewUntil end
  call('HSET', q.c, 'n' .. token, #entries, 'i' .. token, cmsgpack.pack({ renewUntil, entries }))
  call('ZADD', q.l, untilMs, token)
end

-- What the token holds already, when it is asked for again.
local function heldBy(q, token)
  local blob = call('HGET', q.c, 'i' .. token)
  if not blob then return end
  local held = { entries = {}, records = {}, changes = {}, flags = {} }
  local entries, ids = cmsgpack.unpack(blob)[2], {}
  local claims = getAll(q.a, entries)
  for i, entry in ipairs(entries) do
    if claims[i] and sub(claims[i], 2) == token then
      local n = #held.entries + 1
      held.entries[n], ids[n] = entry, idOf(entry)
      held.flags[n] = isStarted(claims[i]) and '1' or '0'
    end
  end
  if #ids == 0 then return end
  held.records, held.changes = getAll(q.j, ids), getAll(q.m, ids)
  return held
end

local function suspectWaits(q, wanted)
  if call('EXISTS', q.slines) == 0 then return '0' end
  for _, line in ipairs(call('ZRANGE', q.slines, 0, -1)) do
    if wanted[typeOf(line)] and call('EXISTS', q['s:' .. line]) == 1 then return '1' end
  end
  return '0'
end

local function dueNext(q) return tonumber(call('ZRANGE', q.d, 0, 0, 'WITHSCORES')[2] or nil) end

local function claim(q, s, at)
  local token, limit, maxBytes, start = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local leaseMs, renewMs, isSuspects = tonumber(ARGV[at + 4]), number(ARGV[at + 5]), ARGV[at + 6] == 'only'
  local wanted = wantedTypes(at + 7)
  local due = dueNext(q)
  local taken = heldBy(q, token)
  local flags = ''
  if taken then flags = table.concat(taken.flags)
  elseif s.paused or limit <= 0 then taken = { entries = {}, records = {}, changes = {} }
  else
    if due and due <= now then
      promote(q, math.max(limit, 100))
      due = dueNext(q)
    end
    taken = take(q, s, wanted, isSuspects and 1 or limit, maxBytes, isSuspects)
    local count = #taken.entries
    if count > 0 then
      hold(q, s, token, start, leaseMs, renewMs, taken)
      start = math.max(0, math.min(start, count))
      flags = string.rep('1', start) .. string.rep('0', count - start)
    end
  end
  local changed = {}
  for i = 1, taken.plain and 0 or #taken.entries do
    if taken.changes[i] then
      local m = cmsgpack.unpack(taken.changes[i])
      for _, value in ipairs({ i, m.a or 0, m.c or 0, m.h and string.format('%.0f', m.h) or '', m.x and 1 or 0 }) do
        changed[#changed + 1] = tostring(value)
      end
    end
  end
  return {
    s.paused and '1' or '0', tostring(s.control), suspectWaits(q, wanted),
    due and string.format('%.0f', math.max(0, due - now)) or '', flags, taken.entries, taken.records, changed, s.wakes,
  }
end
`
