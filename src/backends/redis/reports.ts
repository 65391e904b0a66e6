/** Reads what the scripts tell of upkeep and of whole queues. */
import type { MaintainReport, QueueStats, ReapReport } from '../../queue/backend.ts'

export type ReapReply = readonly [returned: number, crashed: Buffer[], dead: Buffer[], more: number]

export function reaped([returned, crashed, dead]: readonly [
  number,
  Buffer[],
  Buffer[],
  ...unknown[],
]): ReapReport {
  return { returned, crashed: crashed.map(String), dead: dead.map(String) }
}

export type MaintainReply = readonly [
  returned: number,
  crashed: Buffer[],
  dead: Buffer[],
  promoted: number,
  removed: number,
  unhandled: (readonly [type: Buffer, forMs: Buffer, dead: number])[],
  more: number,
]

export function maintained(reply: MaintainReply): MaintainReport {
  const [, , , promoted, removed, unhandled, more] = reply
  return {
    ...reaped(reply),
    promoted,
    removed,
    unhandled: unhandled.map(([type, forMs, dead]) => ({ type: String(type), forMs: Number(forMs), dead })),
    more: more === 1,
  }
}

export function statsOf(queue: string, reply: unknown): QueueStats {
  const [waiting, delayed, active, done, dead, cancelled, paused, oldest] = reply as [
    ...numbers: [number, number, number, number, number, number, number],
    oldest: Buffer,
    wakes: Buffer,
  ]
  return {
    queue,
    counts: { waiting, delayed, blocked: 0, active, done, dead, cancelled },
    paused: paused === 1,
    oldestWaitingMs: Number(oldest),
  }
}

export const NOTHING_DONE: MaintainReport = Object.freeze({
  returned: 0,
  crashed: [],
  dead: [],
  promoted: 0,
  removed: 0,
  unhandled: [],
  more: false,
})
