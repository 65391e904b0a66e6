/**
 * Adds the jobs of one packed text (see pack.ts) to a queue. The answer has one number for each: the `seq` of what
 * was added, less than 0 for that of a job that has the id already, 0 for what was refused.
 */
export const ENQUEUE: string = `
local function enqueue(q, packed, max)
  local lineCount, count, at = struct.unpack('>HH', packed)
  local lines, lists = {}, {}
  for i = 1, lineCount do
    lines[i], at = struct.unpack('>Hc0', packed, at)
    lists[i] = {}
  end
  local ids, blobs, modes, places, times = {}, {}, {}, {}, {}
  for i = 1, count do
    modes[i], places[i], ids[i], blobs[i], at = struct.unpack('>BHHc0I4c0', packed, at)
    if modes[i] == 1 or modes[i] == 2 then times[i], at = struct.unpack('>d', packed, at) end
  end
  local room = math.huge
  local unfinished = 0
  if max then
    unfinished = call('HLEN', q.j) - call('ZCARD', q.x) + call('ZCARD', q.d)
    room = max - unfinished
  end
  local known = getAll(q.j, ids)
  local results, seen, added = {}, {}, 0
  for i = 1, count do
    local id = ids[i]
    if known[i] then results[i] = -struct.unpack('>I6', known[i])
    elseif seen[id] then results[i] = -seen[id]
    elseif modes[i] == 4 or added >= room then results[i] = 0
    else
      added = added + 1
      seen[id] = added
      results[i] = added
    end
  end
  if added == 0 then return results, unfinished end

  local before = call('HINCRBY', q.meta, 'seq', added) - added
  local records = {}
  local first
  for i = 1, count do
    local n = results[i]
    if n > 0 then
      local seq, blob = before + n, blobs[i]
      results[i] = seq
      local entry = seq .. ':' .. ids[i]
      records[#records + 1] = ids[i]
      records[#records + 1] = struct.pack('>I6I6', seq, now) .. blob
      if byte(blob) >= 128 then
        local _, _, _, expire = struct.unpack('>BHHc0I6', blob)
        call('ZADD', q.e, now + expire, entry)
      end
      local runAt = times[i] and (modes[i] == 1 and now + times[i] or times[i])
      if runAt and runAt > now then
        if not first or runAt < first then first = runAt end
        call('ZADD', q.d, runAt, entry)
        call('ZADD', q.x, seq, entry)
      else
        local list = lists[places[i]]
        list[#list + 1] = entry
      end
    elseif n < 0 and seen[ids[i]] and not known[i] then
      results[i] = n - before
    end
  end
  callAll('HSET', q.j, records)
  for i = 1, lineCount do
    local list = lists[i]
    if #list > 0 and callAll('RPUSH', q['w:' .. lines[i]], list) then
      -- Who could take jobs of this line has been told of those before them.
      if call('LLEN', q['w:' .. lines[i]]) == #list then
        call('ZADD', q.lines, -string.match(lines[i], '^%d+'), lines[i])
        wake(q)
      elseif call('HGET', q.meta, 'holes') then wake(q) end
    end
  end
  if first and tonumber(call('ZRANGE', q.d, 0, 0, 'WITHSCORES')[2]) == first then wake(q) end
  return results, unfinished + added
end
`
