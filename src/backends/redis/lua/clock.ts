/** Where the scripts of a store take the time from. */
export interface ScriptClock {
  /** Lua that sets `now`, the wall clock, and `ticks`, the lease clock; both in ms. */
  readonly lua: string
  /** It goes as fast as that of this process, so that what was noted so long ago is so old there too. */
  readonly isReal: boolean
}

/** The server's own time, for everything: no clock of a worker is ever asked. */
export const serverClock: ScriptClock = {
  isReal: true,
  lua: `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ticks = now
`,
}

/** A time that stands in a hash with the fields `wall` and `lease`, for tests. */
export function keptClock(key: string): ScriptClock {
  return {
    isReal: false,
    lua: `
local time = redis.call('HMGET', '${key}', 'wall', 'lease')
local now, ticks = tonumber(time[1]), tonumber(time[2])
`,
  }
}
