/**
 * A look at queues. KEYS[1]: who looks for all, a hash. ARGV: the caller or '' when nobody can look for all, its term,
 * how long upkeep of active jobs may be left undone, the channel of those who overhear, then the bases of the queues'
 * keys, which are all in one place with KEYS[1] where there is more than one place.
 */
export const LOOK: string = `
local looks = 0
if ARGV[1] ~= '' then
  local name, till = unpack(call('HMGET', KEYS[1], 'name', 'until'))
  if not till or name == ARGV[1] or tonumber(till) <= ticks then
    call('HSET', KEYS[1], 'name', ARGV[1], 'until', string.format('%.0f', ticks + tonumber(ARGV[2])))
    looks = 1
  end
end

local function isDue(key)
  return call('ZCOUNT', key, '-inf', now) > 0
end

local function waits(q)
  for _, line in ipairs(call('ZRANGE', q.lines, 0, -1)) do
    if call('EXISTS', q['w:' .. line], q['b:' .. line]) > 0 then return true end
  end
  for _, line in ipairs(call('ZRANGE', q.slines, 0, -1)) do
    if call('EXISTS', q['s:' .. line]) > 0 then return true end
  end
  return false
end

local function isNeglected(q)
  if call('EXISTS', q.l) == 0 then return false end
  local last = call('HGET', q.meta, 'maintained')
  return not last or tonumber(last) < state(q).lease - tonumber(ARGV[3])
end

local busy = {}
for i = 5, #ARGV do
  local q = open(ARGV[i])
  if call('EXISTS', q.j) == 1 and (waits(q) or isDue(q.d) or isDue(q.e) or isDue(q.k) or isNeglected(q)) then
    busy[#busy + 1] = i - 5
    if looks == 1 then wake(q) end
  end
end
publish()
if looks == 1 then call('PUBLISH', ARGV[4], '') end
return { looks, busy }
`
