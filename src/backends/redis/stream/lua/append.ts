/** What is appended to a shard: KEYS[1] is the base of its keys. */

/** KEYS[1] is the base of the stream. ARGV: how many shards it is to have, if it is new. Answers with what it has. */
export const CREATE: string = `
local meta = KEYS[1] .. ':meta'
local call = redis.call
local format = call('HGET', meta, 'format')
if format and tonumber(format) > 1 then error('MILLHAND_NEWER') end
if call('HSETNX', meta, 'shards', ARGV[1]) == 1 then call('HSET', meta, 'format', 1) end
return tonumber(call('HGET', meta, 'shards'))
`

/**
 * ARGV: the producer, the number of this batch of its to this shard, how long the shard may get, for how many seconds
 * the producer is remembered; then key, kind and data of each record.
 *
 * The id of a record is \`ms-n\`: when it was appended, and how many were before it, so what is missing between two can
 * be counted. The end of the log is kept beside it, for asking the log itself would copy a record.
 */
export const APPEND: string = `
local call = redis.call
local base = KEYS[1]
local log, last, from = base .. ':log', base .. ':end', base .. ':from:' .. ARGV[1]
local done = call('GET', from)
if done and tonumber(done) >= tonumber(ARGV[2]) then return 0 end
local at, n = string.match(call('GET', last) or '0-0', '^(%d+)-(%d+)$')
at, n = math.max(now, tonumber(at)), tonumber(n)
for i = 5, #ARGV, 3 do
  n = n + 1
  call('XADD', log, string.format('%.0f-%.0f', at, n), 'k', ARGV[i], ARGV[i + 1], ARGV[i + 2])
end
call('SET', last, string.format('%.0f-%.0f', at, n))
call('XTRIM', log, 'MAXLEN', '~', ARGV[3])
call('SET', from, ARGV[2], 'EX', ARGV[4])
call('PUBLISH', base .. ':new', '')
return 1
`
