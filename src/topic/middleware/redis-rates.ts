import type { RateStore } from './rate-store.ts'

/** A client of Redis: of `ioredis`, which has `call`, or of `redis`, whose `sendCommand` takes a list. */
export type RedisClient =
  | { call(command: string, ...args: string[]): Promise<unknown> }
  | { sendCommand(args: string[]): Promise<unknown> }

/** `decide` of rate-rule.ts, by the clock of the server. Answers with a text, since numbers would lose their fraction. */
const SCRIPT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local algorithm, limit, window = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local known = redis.call('HMGET', KEYS[1], 'at', 'first', 'second')
local at, first, second = tonumber(known[1]), tonumber(known[2]), tonumber(known[3])
if at and at > now then now = at end
local wait = 0
if algorithm == 'token-bucket' then
  if not at then at, first = now, limit end
  local tokens = math.min(limit, first + (now - at) * limit / window)
  if tokens < 1 then return tostring((1 - tokens) * window / limit) end
  at, first, second = now, tokens - 1, 0
else
  local start = now - now % window
  local passed = at and math.floor((start - at) / window + 0.5) or 2
  local current = passed == 0 and first or 0
  local previous = passed == 0 and second or passed == 1 and first or 0
  local slides = algorithm == 'sliding'
  local weight = slides and 1 - (now - start) / window or 0
  if current + previous * weight + 1 > limit then
    if slides and current + 1 <= limit then
      wait = start + window * (1 - (limit - 1 - current) / previous) - now
    else
      local out = slides and current > limit - 1 and 1 - (limit - 1) / current or 0
      wait = start + window * (1 + out) - now
    end
    return tostring(wait)
  end
  at, first, second = start, current + 1, previous
end
redis.call('HSET', KEYS[1], 'at', at, 'first', tostring(first), 'second', second)
redis.call('PEXPIRE', KEYS[1], math.ceil(window * 2))
return '0'
`

export interface RedisRatesOptions {
  /** Stands before each key. Default `millhand:rate:`. */
  readonly prefix?: string
}

/** Keeps the counts in Redis, for processes of many machines. One round trip a message; the server's clock decides. */
export function redisRates(
  client: RedisClient,
  { prefix = 'millhand:rate:' }: RedisRatesOptions = {},
): RateStore {
  const send = (...args: string[]): Promise<unknown> =>
    'call' in client ? client.call('EVAL', ...args) : client.sendCommand(['EVAL', ...args])
  return {
    take: async (key, { algorithm, limit, windowMs }) =>
      Number(await send(SCRIPT, '1', `${prefix}${key}`, algorithm, String(limit), String(windowMs))),
  }
}
