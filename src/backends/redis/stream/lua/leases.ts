/**
 * Who owns which shard: KEYS[1] is the base of a stream, ARGV[1] a group, ARGV[2] one of its members.
 *
 *     members   sorted set: each member, until when its leases hold
 *     leases    hash: a shard, \`token:owner\`; it holds as long as its owner is a member
 *     offsets   hash: a shard, what was committed
 *     state     hash: \`token\`, the last one that was given; \`beat\`, when any member was last heard
 */
const GROUP = `
local call = redis.call
local meta, g = KEYS[1] .. ':meta', KEYS[1] .. ':g:' .. ARGV[1] .. ':'
local members, leases, offsets, state = g .. 'members', g .. 'leases', g .. 'offsets', g .. 'state'
local member = ARGV[2]
local function changed() call('PUBLISH', g .. 'changed', '') end
local function holds(shard, token) return call('HGET', leases, shard) == token .. ':' .. member end

-- Only forward: what was sent twice, or late, does no harm.
local function commit(shard, offset)
  local at, n = string.match(offset, '^(%d+)-(%d+)$')
  local oldAt, oldN = string.match(call('HGET', offsets, shard) or '0-0', '^(%d+)-(%d+)$')
  at, n, oldAt, oldN = tonumber(at), tonumber(n), tonumber(oldAt), tonumber(oldN)
  if at > oldAt or (at == oldAt and n > oldN) then call('HSET', offsets, shard, offset) end
end
`

/** ARGV: ..., ms of a lease. Answers with the number of shards, the members, and shards with their leases. */
export const BEAT: string = `${GROUP}
local format = call('HGET', meta, 'format')
if format and tonumber(format) > 1 then error('MILLHAND_NEWER') end
local lease = tonumber(ARGV[3])
local beat = tonumber(call('HGET', state, 'beat') or now)
-- Members beat three times a lease. When none was heard for longer, the server was away, or its clock was set: that is
-- nobody's fault, and all have their time once more.
if now - beat > lease / 2 or now < beat then
  for _, each in ipairs(call('ZRANGE', members, 0, -1)) do call('ZADD', members, now + lease, each) end
end
call('HSET', state, 'beat', now)
local new = call('ZADD', members, now + lease, member)
local gone = call('ZREMRANGEBYSCORE', members, '-inf', now)
if new + gone > 0 then changed() end
return { tonumber(call('HGET', meta, 'shards') or 0), call('ZRANGE', members, 0, -1), call('HGETALL', leases) }
`

/** ARGV: ..., shards. Answers with shard, token and offset of those that it got; none when it is no member any more. */
export const CLAIM: string = `${GROUP}
local function isMember(owner)
  local untilMs = call('ZSCORE', members, owner)
  return untilMs and tonumber(untilMs) > now
end
local claimed = {}
if not isMember(member) then return claimed end
for i = 3, #ARGV do
  local shard = ARGV[i]
  local owner = string.match(call('HGET', leases, shard) or '', ':(.*)$')
  if not owner or owner == member or not isMember(owner) then
    local token = call('HINCRBY', state, 'token', 1)
    call('HSET', leases, shard, token .. ':' .. member)
    for _, value in ipairs({ tonumber(shard), token, call('HGET', offsets, shard) or '' }) do
      claimed[#claimed + 1] = value
    end
  end
end
return claimed
`

/** ARGV: ..., shard, token and offset of each. Answers with 1 or 0 for each: whether it is the member's. */
export const COMMIT: string = `${GROUP}
local answers = {}
for i = 3, #ARGV, 3 do
  local isHeld = holds(ARGV[i], ARGV[i + 1])
  if isHeld then commit(ARGV[i], ARGV[i + 2]) end
  answers[#answers + 1] = isHeld and '1' or '0'
end
return table.concat(answers)
`

/** ARGV: ..., shard, token and offset, if any, of each. */
export const RELEASE: string = `${GROUP}
for i = 3, #ARGV, 3 do
  if holds(ARGV[i], ARGV[i + 1]) then
    if ARGV[i + 2] ~= '' then commit(ARGV[i], ARGV[i + 2]) end
    call('HDEL', leases, ARGV[i])
  end
end
changed()
return 1
`

export const LEAVE: string = `${GROUP}
local all = call('HGETALL', leases)
for i = 1, #all, 2 do
  if string.match(all[i + 1], ':(.*)$') == member then call('HDEL', leases, all[i]) end
end
call('ZREM', members, member)
changed()
return 1
`
