import { createHash } from 'node:crypto'
import { BASE } from './lua/base.ts'
import { CLAIM } from './lua/claim.ts'
import type { ScriptClock } from './lua/clock.ts'
import { ENQUEUE } from './lua/enqueue.ts'
import { EVENTS } from './lua/events.ts'
import { PROGRESS, RELEASE_OWNER, RENEW, START } from './lua/held.ts'
import { ADVANCE_SCHEDULE, READ_SCHEDULE, RECORDS_BY_ID, STATS, WINDOW } from './lua/inspect.ts'
import { LOOK } from './lua/look.ts'
import { MAINTAIN } from './lua/maintain.ts'
import { SETTLE } from './lua/settle.ts'
import { CANCEL, PAUSE, PURGE, REPLAY } from './lua/steer.ts'

/** A script as a server knows it. */
export interface Script {
  readonly text: string
  readonly sha: string
}

/** One script for each operation. Each takes one key, the base of the names of a queue's keys; but see `look`. */
export interface Scripts {
  readonly enqueue: Script
  readonly claim: Script
  readonly settle: Script
  readonly exchange: Script
  readonly start: Script
  readonly progress: Script
  readonly renew: Script
  readonly releaseOwner: Script
  readonly maintain: Script
  readonly look: Script
  readonly pause: Script
  readonly cancel: Script
  readonly replay: Script
  readonly purge: Script
  readonly records: Script
  readonly window: Script
  readonly stats: Script
  readonly readSchedule: Script
  readonly advanceSchedule: Script
}

/** The scripts, put together of the parts that each needs. */
export function scripts(clock: ScriptClock): Scripts {
  const script = (...parts: readonly string[]): Script => {
    const text = [clock.lua, BASE, ...parts].join('')
    return { text, sha: createHash('sha1').update(text).digest('hex') }
  }
  return {
    enqueue: script(ENQUEUE, MAIN_ENQUEUE),
    claim: script(EVENTS, CLAIM, MAIN_CLAIM),
    settle: script(EVENTS, ENQUEUE, SETTLE, MAIN_SETTLE),
    exchange: script(EVENTS, ENQUEUE, SETTLE, CLAIM, MAIN_EXCHANGE),
    start: script(EVENTS, START),
    progress: script(EVENTS, PROGRESS),
    renew: script(RENEW),
    releaseOwner: script(EVENTS, RELEASE_OWNER),
    maintain: script(EVENTS, MAINTAIN),
    look: script(LOOK),
    pause: script(PAUSE),
    cancel: script(EVENTS, CANCEL),
    replay: script(EVENTS, REPLAY),
    purge: script(EVENTS, PURGE),
    records: script(EVENTS, RECORDS_BY_ID),
    window: script(EVENTS, WINDOW),
    stats: script(STATS),
    readSchedule: script(READ_SCHEDULE),
    advanceSchedule: script(ENQUEUE, ADVANCE_SCHEDULE),
  }
}

const OPEN = `
local q = open(KEYS[1])
local s = state(q)
`

/** ARGV: the jobs, the limit. */
const MAIN_ENQUEUE = `${OPEN}
local results, unfinished = enqueue(q, ARGV[1], number(ARGV[2]))
publish()
return { results, unfinished }
`

const MAIN_CLAIM = `${OPEN}
local claimed = claim(q, s, 1)
publish()
return claimed
`

const MAIN_SETTLE = `${OPEN}
local statuses, followed = settle(q, 1)
publish()
return { statuses, followed }
`

const MAIN_EXCHANGE = `${OPEN}
local statuses, followed, at = settle(q, 1)
local claimed = claim(q, s, at)
publish()
return { statuses, followed, claimed }
`
