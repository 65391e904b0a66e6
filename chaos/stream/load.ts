import type { StreamGroup } from 'millhand/stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { Random } from '../random.ts'
import type { Answer } from './outcome.ts'
import type { RecordedOptions, Seen } from './recorded-worker.ts'

const KEYS = 400
const PER_SECOND = 8_000
/** Now and then more comes at once than a slot has room for. */
const BURST = { oneIn: 400, messages: 3_000 }
const QUERY_EVERY_MS = 10

/** Routes messages at a pace of its own, each key's numbered from 1, and asks for states meanwhile. */
export class Load {
  readonly routed: Map<string, number>
  readonly answers: Answer[] = []
  readonly #group: StreamGroup<RecordedOptions>
  readonly #random: Random
  readonly #keys: readonly string[]
  #isOn = true
  readonly #ended: Promise<unknown>

  constructor(group: StreamGroup<RecordedOptions>, seed: number) {
    this.#group = group
    this.#random = new Random(seed)
    this.#keys = Array.from({ length: KEYS }, (_, n) => `key-${n}`)
    this.routed = new Map(this.#keys.map((key) => [key, 0]))
    this.#ended = Promise.all([this.#route(), this.#ask()])
    // Told by `end`.
    this.#ended.catch(() => {})
  }

  /** Resolves when nothing more is routed; rejects when it could not be. */
  async end(): Promise<void> {
    this.#isOn = false
    await this.#ended
  }

  /** What the states of all keys had seen last. */
  async finalAnswers(): Promise<void> {
    await Promise.all(this.#keys.map((key) => this.#askFor(key)))
  }

  async #route(): Promise<void> {
    const begun = performance.now()
    let [sent, extra] = [0, 0]
    while (this.#isOn) {
      if (this.#random.integer(1, BURST.oneIn) === 1) extra += BURST.messages
      const due = ((performance.now() - begun) * PER_SECOND) / 1000 + extra
      for (; sent < due && this.#isOn; sent++) {
        const full = this.#send()
        if (full !== undefined) await full
      }
      await sleep(1)
    }
  }

  #send(): Promise<void> | undefined {
    const key = this.#keys[this.#random.integer(0, KEYS - 1)]!
    const n = this.routed.get(key)! + 1
    const full = this.#group.route(key, String(n))
    this.routed.set(key, n)
    return full
  }

  async #ask(): Promise<void> {
    while (this.#isOn) {
      void this.#askFor(this.#keys[this.#random.integer(0, KEYS - 1)]!)
      await sleep(QUERY_EVERY_MS)
    }
  }

  /** A query that is not answered, as while its worker is replaced, says nothing. */
  async #askFor(key: string): Promise<void> {
    const routed = this.routed.get(key)!
    try {
      const state = await this.#group.query(key, undefined, { timeout: '5s' })
      // A key without a state is told of a gap with its next message.
      if (state !== undefined && state !== null) this.answers.push({ key, routed, ...(state as Seen) })
    } catch {
      // Nobody answered in time.
    }
  }
}
