/**
 * Adds the jobs of one packed text (see pack.ts) to a queue. The answer has one number for each: the `seq` of what
 * was added, less than 0 for that of a job that has the id already, 0 for what was refused.
 */
export const ENQUEUE: string = `
local function enqueue(q, packed, max)
  local lineCount, count, at = struct.unpack('>HH', packed)
  local lines, lists, sizes = {}, {}, {}
  for i = 1, lineCount do
    lines[i], at = struct.unpack('>Hc0', packed, at)
    lists[i], sizes[i] = {}, 0
  end
  local ids, blobs, modes, places, times = {}, {}, {}, {}, {}
  local read, write = struct.unpack, struct.pack
  for i = 1, count do
    local mode
    mode, places[i], ids[i], blobs[i], at = read('>BHHc0I4c0', packed, at)
    modes[i] = mode
    if mode == 1 or mode == 2 then times[i], at = read('>d', packed, at) end
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
  -- Counted, for Lua searches for the end of a table each time it is asked for its length.
  local records, size, stamp = {}, 0, write('>I6', now)
  local first
  for i = 1, count do
    local n = results[i]
    if n > 0 then
      local seq, id, blob = before + n, ids[i], blobs[i]
      results[i] = seq
      local entry = seq .. ':' .. id
      records[size + 1], records[size + 2] = id, write('>I6', seq) .. stamp .. blob
      size = size + 2
      if byte(blob) >= 128 then
        local _, _, _, expire = read('>BHHc0I6', blob)
        call('ZADD', q.e, now + expire, entry)
      end
      local time = times[i]
      local runAt = time and (modes[i] == 1 and now + time or time)
      if runAt and runAt > now then
        if not first or runAt < first then first = runAt end
        call('ZADD', q.d, runAt, entry)
        call('ZADD', q.x, seq, entry)
      else
        local place = places[i]
        sizes[place] = sizes[place] + 1
        lists[place][sizes[place]] = entry
      end
    elseif n < 0 and seen[ids[i]] and not known[i] then
      results[i] = n - before
    end
  end
  callAll('HSET', q.j, records)
  for i = 1, lineCount do
    local list = lists[i]
    if sizes[i] > 0 and callAll('RPUSH', q['w:' .. lines[i]], list) then
      -- Who could take jobs of this line has been told of those before them.
      if call('LLEN', q['w:' .. lines[i]]) == sizes[i] then
        call('ZADD', q.lines, -string.match(lines[i], '^%d+'), lines[i])
        wake(q)
      elseif call('HGET', q.meta, 'holes') then wake(q) end
    end
  end
  if first and tonumber(call('ZRANGE', q.d, 0, 0, 'WITHSCORES')[2]) == first then wake(q) end
  return results, unfinished + added
end
`
