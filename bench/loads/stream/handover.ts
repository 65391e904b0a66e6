import { setTimeout as sleep } from 'node:timers/promises'
import type { Contender, Run } from '../../case.ts'
import { partitionOf, silentLogger, StreamGroup } from '../../millhand.ts'
import { percentile } from '../../statistics.ts'
import { BookWorker } from './book-worker.ts'
import type { BooksOptions } from './books.ts'
import { endlessFrames } from './frames.ts'
import { countIn } from './line.ts'
import { sharedMs } from './receipts.ts'

type Group = InstanceType<typeof StreamGroup<BooksOptions>>

/** All are of one partition: 500 markets of two books that have 100 levels each. */
const MARKETS = 500
const LEVELS = 100
const PER_SECOND = 20_000
/** More than can be sent before a run is given up. */
const MOST = 6_000_000
/** Made before the clock starts: whoever routes what comes from a network does not make it in the same loop. */
const MADE_BEFORE = 300_000

/**
 * Messages of a partition are held back while it moves from one worker to another, with the states of its keys: for how
 * long, ms, the 99th percentile. One worker becomes two and one again, over and over, under load.
 */
export const handoverPauses: Contender = async (run) => {
  const { jobs: moves, timed, note } = run
  const shared = {
    counts: new Uint8Array(new SharedArrayBuffer(MOST)),
    handledAt: new Float64Array(new SharedArrayBuffer(8 * MOST)),
  }
  const group = new StreamGroup(BookWorker, { logger: silentLogger, options: { messages: MOST, shared } })
  await group.start()
  const partition = await movedPartition(group)
  const pauses: number[] = []
  group.streamEvents.on('moved', (moved) => {
    if (moved.partition === partition) pauses.push(moved.pausedMs)
  })
  const load = new Load(group, namesOf(partition))
  await load.snapshots()
  await timed(async () => {
    load.begin()
    while (pauses.length < moves) for (const workers of [2, 1]) await group.scale(workers)
    await load.end()
  })
  await group.stop()
  load.verify(run, shared)
  note('median', percentile(pauses, 50))
  note('max', percentile(pauses, 100))
  note('messages', load.sent)
  note('longest that a message took', load.longestMs(shared.handledAt))
  return percentile(pauses, 99)
}

/** A partition that the second worker takes over. */
async function movedPartition(group: Group): Promise<number> {
  const moved: number[] = []
  const off = group.streamEvents.on('moved', ({ partition }) => void moved.push(partition))
  await group.scale(2)
  await group.scale(1)
  off()
  return moved[0]!
}

/** Names of keys that are all of this partition. */
function namesOf(partition: number): string[] {
  const names: string[] = []
  for (let n = 0; names.length < MARKETS; n++) {
    const name = `0x${String(n).padStart(64, '0')}`
    if (partitionOf(name) === partition) names.push(name)
  }
  return names
}

/** Frames at a fixed pace, whatever becomes of them. */
class Load {
  readonly #group: Group
  readonly #frames: ReturnType<typeof endlessFrames>
  readonly #made: { readonly key: string; readonly bytes: Buffer }[] = []
  readonly #keys: string[] = []
  readonly #routedAt: number[] = []
  #isOn = false
  #ended: Promise<void> | undefined

  constructor(group: Group, names: readonly string[]) {
    this.#group = group
    this.#frames = endlessFrames({ markets: MARKETS, levels: LEVELS, names })
  }

  get sent(): number {
    return this.#keys.length
  }

  /** The books as they are at first. */
  async snapshots(): Promise<void> {
    for (let n = 0; n < 2 * MARKETS; n++) await this.#send()
    while (this.#made.length < MADE_BEFORE) this.#made.push(this.#frames.next().value)
    this.#made.reverse()
    await this.#group.settled()
  }

  begin(): void {
    this.#isOn = true
    this.#ended = this.#run()
  }

  async end(): Promise<void> {
    this.#isOn = false
    await this.#ended
    await this.#group.settled()
  }

  /** @throws Error when a message was not handled exactly once, or one of a key before another that came first. */
  verify(
    run: Run,
    { counts, handledAt }: { readonly counts: Uint8Array; readonly handledAt: Float64Array },
  ): void {
    const last = new Map<string, number>()
    let outOfOrder = 0
    for (const [n, key] of this.#keys.entries()) {
      if (handledAt[n]! < (last.get(key) ?? 0)) outOfOrder++
      last.set(key, handledAt[n]!)
    }
    countIn(run, this.sent, { counts: counts.subarray(0, this.sent), outOfOrder, handledAt })
  }

  longestMs(handledAt: Float64Array): number {
    return this.#routedAt.reduce((longest, at, n) => Math.max(longest, handledAt[n]! - at), 0)
  }

  async #run(): Promise<void> {
    const begun = performance.now() - (this.sent * 1000) / PER_SECOND
    while (this.#isOn) {
      const due = ((performance.now() - begun) * PER_SECOND) / 1000
      while (this.sent < due) {
        const full = this.#send()
        if (full !== undefined) await full
      }
      await sleep(1)
    }
  }

  #send(): Promise<void> | undefined {
    if (this.sent === MOST)
      throw new Error(`expected the partition to have moved often enough after ${MOST} frames`)
    const { key, bytes } = this.#made.pop() ?? this.#frames.next().value!
    this.#keys.push(key)
    this.#routedAt.push(sharedMs())
    return this.#group.route(key, bytes.toString('latin1'))
  }
}
