import { InvalidOptionError, show, UnsupportedError } from '../../core/errors.ts'
import type {
  ClaimRequest,
  ClaimResult,
  ExchangeResult,
  Settlement,
  SettleResult,
} from '../../queue/backend.ts'
import { claimed, settled, wakesOf } from './answers.ts'
import { perQueue, perRun } from './chunks.ts'
import { claimArgs, settlementArgs } from './settlements.ts'
import type { Store } from './store.ts'

/** How many settlements go into one trip with a claim. */
const MOST = 1000

export async function claim(store: Store, request: ClaimRequest): Promise<ClaimResult> {
  await prepareClaim(store, request)
  const { quiet } = store
  const silence = quiet.claim(request)
  if (silence !== undefined && (await store.wakes(request.queue)) === silence.wakes) return silence.result
  const reply = await store.run('claim', request.queue, claimArgs(request))
  const result = claimed(reply, request.token)
  quiet.noteClaim(request, result, wakesOf(reply))
  return result
}

export async function settle(store: Store, settlements: readonly Settlement[]): Promise<SettleResult[]> {
  await noteFollowed(store, settlements)
  const { maxPayloadBytes } = store
  const settleIn = async (queue: string, these: readonly Settlement[]): Promise<SettleResult[]> => {
    const args = settlementArgs(these, store.keys, maxPayloadBytes)
    const [statuses, numbers] = (await store.run('settle', queue, args)) as [Buffer, number[]]
    return settled(these, statuses, numbers, maxPayloadBytes)
  }
  // Follow-ups come in the order of what they follow, in whichever queues that is.
  const inOrder = settlements.some(({ followUps }) => (followUps?.length ?? 0) > 0)
  return (inOrder ? perRun : perQueue)(settlements, ({ ref }) => ref.queue, settleIn)
}

/** One script for both, unless what is settled is in other queues as well. */
export async function exchange(
  store: Store,
  settlements: readonly Settlement[],
  request: ClaimRequest,
): Promise<ExchangeResult> {
  const { queue, token } = request
  if (settlements.length > MOST || settlements.some(({ ref }) => ref.queue !== queue)) {
    const done = await settle(store, settlements)
    return { settled: done, claimed: await claim(store, request) }
  }
  await prepareClaim(store, request)
  await noteFollowed(store, settlements)
  const { maxPayloadBytes } = store
  const args = settlementArgs(settlements, store.keys, maxPayloadBytes)
  args.push(...claimArgs(request))
  const reply = await store.run('exchange', queue, args)
  const [statuses, numbers, claimReply] = reply as [Buffer, number[], unknown]
  return {
    settled: settled(settlements, statuses, numbers, maxPayloadBytes),
    claimed: claimed(claimReply, token),
  }
}

async function prepareClaim(store: Store, { owner, token, queue }: ClaimRequest): Promise<void> {
  if (!token.startsWith(`${owner}:`) || token.includes(':', owner.length + 1)) {
    throw new InvalidOptionError(
      'token',
      `expected token to be "${owner}:" and a number, got: ${show(token)}`,
    )
  }
  if (!store.knowsQueue(queue)) await store.noteQueue(queue)
  if (!store.knowsOwner(owner, queue)) await store.noteOwner(owner, queue)
}

/** Follow-ups use queues as well; in a cluster those may be out of reach. */
async function noteFollowed(store: Store, settlements: readonly Settlement[]): Promise<void> {
  for (const { ref, followUps } of settlements) {
    if (followUps === undefined) continue
    for (const { queue, jobs } of followUps) {
      if (jobs.length === 0) continue
      if (queue !== ref.queue && store.isSpread) {
        throw new UnsupportedError(
          `on a Redis Cluster a job of queue "${ref.queue}" cannot have a follow-up in "${queue}", which may be on another server; use hashTag: 'store' to keep all queues together`,
        )
      }
      if (!store.knowsQueue(queue)) await store.noteQueue(queue)
    }
  }
}
