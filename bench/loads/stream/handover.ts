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
/** Made before the clock starts, for each move: whoever routes what comes from a network does not make it itself. */
const MADE_PER_MOVE = 7_000
/** What those take at most, each. */
const FRAME_BYTES = 800

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
  await load.prepare(moves * MADE_PER_MOVE)
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

/**
 * Frames at a fixed pace, whatever becomes of them. What it notes lies outside of the heap: to collect garbage takes no
 * longer than without a bench.
 */
class Load {
  readonly #group: Group
  readonly #names: readonly string[]
  readonly #places: ReadonlyMap<string, number>
  readonly #frames: ReturnType<typeof endlessFrames>
  /** What was made before, and where in it each frame ends. */
  #made: Buffer = Buffer.alloc(0)
  #ends = new Uint32Array()
  #taken = 0
  /** Of each frame: its place among the names, and when it was routed. */
  readonly #keys = new Uint16Array(MOST)
  readonly #routedAt = new Float64Array(MOST)
  #sent = 0
  #isOn = false
  #ended: Promise<void> | undefined

  constructor(group: Group, names: readonly string[]) {
    this.#group = group
    this.#names = names
    this.#places = new Map(names.map((name, place) => [name, place]))
    this.#frames = endlessFrames({ markets: MARKETS, levels: LEVELS, names })
  }

  get sent(): number {
    return this.#sent
  }

  /** Sends the books as they are at first, and makes so many frames. */
  async prepare(count: number): Promise<void> {
    for (let n = 0; n < 2 * MARKETS; n++) await this.#send()
    const made = Buffer.allocUnsafeSlow(count * FRAME_BYTES)
    const ends = new Uint32Array(count)
    for (let n = 0, at = 0; n < count; n++) {
      const { key, bytes } = this.#frames.next().value!
      this.#keys[this.#sent + n] = this.#places.get(key)!
      at += bytes.copy(made, at)
      ends[n] = at
    }
    this.#made = made
    this.#ends = ends
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
    const last = new Float64Array(this.#names.length)
    let outOfOrder = 0
    for (let n = 0; n < this.sent; n++) {
      const key = this.#keys[n]!
      if (handledAt[n]! < last[key]!) outOfOrder++
      last[key] = handledAt[n]!
    }
    countIn(run, this.sent, { counts: counts.subarray(0, this.sent), outOfOrder, handledAt })
  }

  longestMs(handledAt: Float64Array): number {
    let longest = 0
    for (let n = 0; n < this.sent; n++) longest = Math.max(longest, handledAt[n]! - this.#routedAt[n]!)
    return longest
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
    const n = this.#sent++
    if (n === MOST) throw new Error(`expected the partition to have moved often enough after ${MOST} frames`)
    const text = this.#taken < this.#ends.length ? this.#takeMade() : this.#make(n)
    this.#routedAt[n] = sharedMs()
    return this.#group.route(this.#names[this.#keys[n]!]!, text)
  }

  #takeMade(): string {
    const from = this.#taken === 0 ? 0 : this.#ends[this.#taken - 1]!
    return this.#made.toString('latin1', from, this.#ends[this.#taken++])
  }

  #make(n: number): string {
    const { key, bytes } = this.#frames.next().value!
    this.#keys[n] = this.#places.get(key)!
    return bytes.toString('latin1')
  }
}
