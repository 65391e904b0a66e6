import type { CrashPolicy, HeldClaim, ProgressUpdate, ReapReport, StartResult } from '../../queue/backend.ts'
import type { JobRef } from '../../queue/job.ts'
import { perQueue } from './chunks.ts'
import { entryOf } from './keys.ts'
import { reaped, type ReapReply } from './reports.ts'
import { keepArg } from './settlements.ts'
import type { Store } from './store.ts'

/** How many jobs one step of a release touches. */
const STEP = 500

export function start(store: Store, refs: readonly JobRef[]): Promise<StartResult[]> {
  return perQueue(
    refs,
    (ref) => ref.queue,
    async (queue, these) => {
      const args = these.flatMap((ref) => [entryOf(ref), ref.token])
      const answers = String(await store.run('start', queue, args))
      return [...answers].map((each) => (each === 's' ? 'started' : each === 'p' ? 'paused' : 'stale'))
    },
  )
}

export function progress(store: Store, updates: readonly ProgressUpdate[]): Promise<('ok' | 'stale')[]> {
  return perQueue(
    updates,
    ({ ref }) => ref.queue,
    async (queue, these) => {
      const args = these.flatMap(({ ref, progress }) => [entryOf(ref), ref.token, progress])
      const answers = String(await store.run('progress', queue, args))
      return [...answers].map((each) => (each === '1' ? 'ok' : 'stale'))
    },
  )
}

export async function renew(store: Store, owner: string, leaseMs: number): Promise<HeldClaim[]> {
  const queues = await store.queuesOf(owner)
  const replies = await Promise.all(
    queues.map(async (queue) =>
      (await store.hasClaims(queue)) ? store.run('renew', queue, [owner, String(leaseMs)]) : [],
    ),
  )
  const held: HeldClaim[] = []
  for (const reply of replies as (Buffer | Buffer[])[][]) {
    for (let at = 0; at < reply.length; at += 2) {
      const token = String(reply[at])
      for (const id of reply[at + 1] as Buffer[]) held.push({ id: String(id), token })
    }
  }
  return held
}

export async function releaseOwner(
  store: Store,
  owner: string,
  { maxCrashes, keepDeadMs }: CrashPolicy,
): Promise<ReapReport> {
  const total = { returned: 0, crashed: [] as string[], dead: [] as string[] }
  const args = [owner, String(maxCrashes), keepArg(keepDeadMs), String(STEP)]
  for (const queue of await store.queuesOf(owner)) {
    for (let more = true; more;) {
      const reply = (await store.run('releaseOwner', queue, args)) as ReapReply
      const step = reaped(reply)
      total.returned += step.returned
      total.crashed.push(...step.crashed)
      total.dead.push(...step.dead)
      more = reply[3] === 1
    }
  }
  return total
}
