import { createHash } from 'node:crypto'
import type { ScriptClock } from '../lua/clock.ts'
import type { Script } from '../scripts.ts'
import { APPEND, CREATE } from './lua/append.ts'
import { BEAT, CLAIM, COMMIT, LEAVE, RELEASE } from './lua/leases.ts'

/** One script for each operation. Each takes one key: the base of a stream's or a shard's keys. */
export interface StreamScripts {
  readonly create: Script
  readonly append: Script
  readonly beat: Script
  readonly claim: Script
  readonly commit: Script
  readonly release: Script
  readonly leave: Script
}

export function streamScripts(clock: ScriptClock): StreamScripts {
  const script = (body: string): Script => {
    const text = `${clock.lua}${body}`
    return { text, sha: createHash('sha1').update(text).digest('hex') }
  }
  return {
    create: script(CREATE),
    append: script(APPEND),
    beat: script(BEAT),
    claim: script(CLAIM),
    commit: script(COMMIT),
    release: script(RELEASE),
    leave: script(LEAVE),
  }
}
