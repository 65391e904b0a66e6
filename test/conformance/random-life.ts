/** Random lives of a store: whatever is done to it, it answers as the memory store does, and holds the same. */
import fc from 'fast-check'
import { expect } from 'vitest'
import { memory } from '../../src/backends/memory/index.ts'
import type { FakeClock } from '../../src/core/clock.ts'
import type { Backend, ClaimRequest, JobFilter, Outcome } from '../../src/queue/backend.ts'
import { JOB_STATES, type JobRef, type NewJob } from '../../src/queue/job.ts'

/** The largest payload of the stores that live here, bytes. */
export const MAX_PAYLOAD_BYTES = 30

const QUEUES = ['one', 'two'] as const
const OWNERS = ['ann', 'bob', 'cy'] as const
const TYPES = ['x', 'y', 'z'] as const
const IDS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] as const
const LEASE = 1000

// ------------------------------------------------------------------------------------------- what can happen

const queue = fc.constantFrom(...QUEUES)
const owner = fc.constantFrom(...OWNERS)
const keepMs = fc.constantFrom(0, 500, null)
const policy = fc.record({ maxCrashes: fc.constantFrom(1, 2, 3), keepDeadMs: keepMs })
const error = fc.record({
  name: fc.constantFrom('Error', 'TypeError'),
  message: fc.string({ maxLength: 5 }),
  code: fc.constantFrom(null, 'EAGAIN', 'it’s'),
  stack: fc.constant(null),
})
const encoded = fc.oneof(
  fc.constant('{}'),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constant('\u0000\ud800'),
  fc.uint8Array({ maxLength: 8 }),
  fc.constant('x'.repeat(40)),
)
const again = fc.oneof(
  fc.record({ delayMs: fc.constantFrom(0, 300, 3000) }),
  fc.record({ runAt: fc.constantFrom(0, Date.UTC(2026, 0, 1, 0, 0, 2)) }),
)
const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  {
    arbitrary: fc.record({ kind: fc.constant('done' as const), result: fc.option(encoded), keepMs }),
    weight: 3,
  },
  fc.record({ kind: fc.constant('retry' as const), again, error }),
  fc.record({ kind: fc.constant('snooze' as const), again }),
  fc.record({ kind: fc.constant('hold' as const), again, error }),
  fc.record({ kind: fc.constant('dead' as const), error, keepMs }),
  fc.record({ kind: fc.constant('cancelled' as const), keepMs }),
  fc.record({ kind: fc.constant('release' as const) }),
  fc.record({ kind: fc.constant('crash' as const), error, policy }),
)
const job: fc.Arbitrary<NewJob> = fc.record({
  id: fc.constantFrom(...IDS),
  type: fc.constantFrom(...TYPES),
  payload: encoded,
  codec: fc.constantFrom('json', 'json', 'raw'),
  priority: fc.constantFrom(0, 1, 1, 7),
  runAt: fc.constantFrom(null, null, null, Date.UTC(2026, 0, 1, 0, 0, 3)),
  delayMs: fc.constantFrom(0, 0, 0, 400),
  expireMs: fc.constantFrom(null, null, 800),
  maxRetries: fc.constantFrom(null, 2),
  dedupeMs: fc.constantFrom(0, 0, 600),
  headers: fc.constantFrom({}, { trace: 'é"' }),
  tags: fc.constantFrom([], ['red'], ['red', 'blue']),
  key: fc.constantFrom(null, 'lane'),
  uniqueKey: fc.constantFrom(null, 'u'),
  uniqueMs: fc.constantFrom(null, 50),
  parent: fc.constantFrom(null, 'p'),
})
const plain: fc.Arbitrary<NewJob> = fc
  .tuple(fc.constantFrom(...IDS), fc.constantFrom(...TYPES), fc.constantFrom(0, 1, 1, 7))
  .map(([id, type, priority]) => ({
    id,
    type,
    priority,
    payload: '{"a":1}',
    codec: 'json',
    runAt: null,
    delayMs: 0,
    expireMs: null,
    maxRetries: null,
    dedupeMs: 0,
    headers: {},
    tags: [],
    key: null,
    uniqueKey: null,
    uniqueMs: null,
    parent: null,
  }))
const jobs = fc.array(fc.oneof(job, plain), { minLength: 1, maxLength: 5 })
const claim = fc.record({
  queue,
  types: fc.uniqueArray(fc.constantFrom(...TYPES), { minLength: 1 }),
  owner,
  limit: fc.constantFrom(0, 1, 2, 5),
  maxBytes: fc.constantFrom(1, 45, 10_000),
  start: fc.constantFrom(0, 1, 5),
  leaseMs: fc.constant(LEASE),
  renewForMs: fc.constantFrom(null, 1500),
  suspects: fc.constantFrom('none' as const, 'none' as const, 'only' as const),
  /** The token of the owner's last claim, as after a lost reply. */
  repeat: fc.boolean(),
})
const filter: fc.Arbitrary<JobFilter> = fc.record(
  {
    queue,
    ids: fc.uniqueArray(fc.constantFrom(...IDS)),
    states: fc.uniqueArray(fc.constantFrom(...JOB_STATES)),
    types: fc.uniqueArray(fc.constantFrom(...TYPES, 'never')),
    tags: fc.constantFrom([], ['red'], ['blue', 'red'], ['green']),
    error: fc.constantFrom('EAGAIN', 'TypeError', 'it’s', 'JOB_EXPIRED'),
    finishedBefore: fc.constantFrom(0, Date.UTC(2026, 0, 1, 0, 0, 2), Number.MAX_SAFE_INTEGER),
    limit: fc.constant(100),
  },
  { requiredKeys: ['queue', 'limit'] },
)
/** Which of the claims given so far, stale ones too; the latest are the likeliest to be held. */
const which = fc.nat({ max: 6 })
const settlement = fc.record({
  which,
  outcome,
  followUps: fc.option(fc.record({ queue, jobs }), { nil: undefined, freq: 5 }),
})

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('enqueue' as const),
      queue,
      jobs,
      maxLength: fc.constantFrom(null, null, 3),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('claim' as const), claim }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('exchange' as const),
      settlements: fc.array(settlement, { maxLength: 4 }),
      claim,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      settlements: fc.array(settlement, { maxLength: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('start' as const), which: fc.array(which, { maxLength: 4 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('progress' as const), which, text: fc.string() }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('renew' as const), owner, leaseMs: fc.constantFrom(LEASE, 2000) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('releaseOwner' as const), owner, policy }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('maintain' as const),
      queue,
      policy,
      types: fc.uniqueArray(fc.constantFrom(...TYPES)),
      graceMs: fc.constantFrom(700, 1e6),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('pause' as const, 'resume' as const, 'resume' as const),
      queue,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('cancel' as const),
      queue,
      ids: fc.array(fc.constantFrom(...IDS), { maxLength: 3 }),
      keepMs,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('replay' as const, 'purge' as const, 'list' as const),
      filter,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('tick' as const),
      queue,
      from: fc.constantFrom(null, 1, 2),
      to: fc.constantFrom(1, 2),
      jobs,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 100, 400, 1100) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('jump' as const), ms: fc.constantFrom(-2000, -300, 300, 2000) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('crash' as const, 'restart' as const) }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

// ------------------------------------------------------------------------------------------------ one store

/** One of the two stores, told the same. */
class Life {
  backend: Backend
  readonly #reopen: ((old: Backend, crash: boolean) => Promise<Backend>) | undefined
  readonly #given: JobRef[] = []
  readonly #claims = new Map<string, { queue: string; n: number }>()
  readonly #labels = new Map<string, Map<number, number>>()

  constructor(backend: Backend, reopen?: (old: Backend, crash: boolean) => Promise<Backend>) {
    this.backend = backend
    this.#reopen = reopen
  }

  async step(step: Step): Promise<unknown> {
    const { backend } = this
    switch (step.do) {
      case 'enqueue':
        return backend.enqueue({ queue: step.queue, jobs: step.jobs, maxLength: step.maxLength })
      case 'claim':
        return this.#note(step.claim.queue, await backend.claim(this.#request(step.claim)))
      case 'settle':
        return backend.settle(this.#settlements(step.settlements))
      case 'exchange': {
        const request = this.#request(step.claim)
        const { settled, claimed } = await backend.exchange(this.#settlements(step.settlements), request)
        return { settled, claimed: this.#note(request.queue, claimed) }
      }
      case 'start':
        return backend.start(step.which.flatMap((which) => this.#ref(which)))
      case 'progress':
        return backend.progress(this.#ref(step.which).map((ref) => ({ ref, progress: step.text })))
      case 'renew':
        return sorted(await backend.renew(step.owner, step.leaseMs))
      case 'releaseOwner':
        return reaped(await backend.releaseOwner(step.owner, step.policy))
      case 'maintain': {
        const { queue, types, policy, graceMs } = step
        const report = await backend.maintain({
          queue,
          types,
          ...policy,
          leaseMs: LEASE,
          unhandledGraceMs: graceMs,
          limit: 1000,
        })
        return { ...reaped(report), unhandled: sorted(report.unhandled) }
      }
      case 'pause':
      case 'resume':
        return backend[step.do](step.queue)
      case 'cancel':
        return backend.cancel(step.queue, step.ids, step.keepMs)
      case 'replay':
      case 'purge':
      case 'list':
        return backend[step.do](step.filter)
      case 'tick': {
        const { queue, from, to, jobs } = step
        return backend.advanceSchedule({ queue, name: 'cron', from, to, jobs })
      }
      case 'crash':
      case 'restart':
        if (this.#reopen !== undefined) this.backend = await this.#reopen(backend, step.do === 'crash')
        return undefined
      case 'pass':
      case 'jump':
        return undefined
    }
  }

  /** Everything that can be seen from outside. */
  async whole(): Promise<unknown> {
    const queues = []
    for (const queue of QUEUES) {
      const [stats] = await this.backend.stats(queue)
      const schedule = await this.backend.readSchedule(queue, 'cron')
      queues.push({ queue, jobs: await this.backend.list({ queue, limit: 1000 }), stats, schedule })
    }
    return this.labelled(queues)
  }

  /**
   * The same with labels for numbers: 1 for the first job of its queue that was seen, and so on. Stores may leave
   * gaps, but must neither give a number twice nor change one. Where the queue is not known they are left out.
   */
  labelled(answer: unknown, queue?: string): unknown {
    if (Array.isArray(answer)) return answer.map((each) => this.labelled(each, queue))
    if (typeof answer !== 'object' || answer === null || answer instanceof Uint8Array) return answer
    const known = (answer as { queue?: string }).queue ?? queue
    return Object.fromEntries(
      Object.entries(answer).map(([name, value]: [string, unknown]) => [
        name,
        name === 'seq' ? this.#label(known, value as number) : this.labelled(value, known),
      ]),
    )
  }

  #label(queue: string | undefined, seq: number): number | undefined {
    if (queue === undefined) return undefined
    const labels = this.#labels.get(queue) ?? new Map<number, number>()
    this.#labels.set(queue, labels)
    if (!labels.has(seq)) labels.set(seq, labels.size + 1)
    return labels.get(seq)
  }

  #request({ repeat, ...rest }: typeof claim extends fc.Arbitrary<infer T> ? T : never): ClaimRequest {
    const { owner, queue } = rest
    const before = this.#claims.get(owner)
    const n = (before?.n ?? 0) + (repeat && before?.queue === queue ? 0 : 1)
    this.#claims.set(owner, { queue, n })
    return { ...rest, token: `${rest.owner}:${n}` }
  }

  #note<T extends { readonly jobs: readonly Omit<JobRef, 'queue'>[] }>(queue: string, answer: T): T {
    for (const { id, seq, token } of answer.jobs) this.#given.unshift({ queue, id, seq, token })
    return answer
  }

  #ref(which: number): JobRef[] {
    return this.#given.slice(which, which + 1)
  }

  #settlements(list: readonly (typeof settlement extends fc.Arbitrary<infer T> ? T : never)[]) {
    return list.flatMap(({ which, outcome, followUps }) =>
      this.#ref(which).map((ref) => ({ ref, outcome, ...(followUps && { followUps: [followUps] }) })),
    )
  }
}

function sorted<T extends object>(items: readonly T[]): T[] {
  return items.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

function reaped<T extends { crashed: readonly string[]; dead: readonly string[] }>(report: T): T {
  return { ...report, crashed: report.crashed.toSorted(), dead: report.dead.toSorted() }
}

export type Steps = readonly Step[]
export const lives: fc.Arbitrary<Steps> = fc.array(step, { minLength: 10, maxLength: 60 })

/** What moves a store's time along with that of the model. */
export interface Time {
  readonly clock: FakeClock
  /** The clock has moved. */
  readonly moved?: () => Promise<void>
}

/** Takes a store and the model through the same steps and compares all that can be seen after each. */
export async function liveThrough(
  steps: Steps,
  { clock, moved }: Time,
  opened: Backend,
  reopen: (old: Backend, crash: boolean) => Promise<Backend>,
): Promise<Backend> {
  const store = new Life(opened, reopen)
  const model = new Life(memory({ clock, maxPayloadBytes: MAX_PAYLOAD_BYTES }))
  await model.backend.open()
  for (const step of steps) {
    if (step.do === 'pass') clock.advance(step.ms)
    if (step.do === 'jump') clock.jump(step.ms)
    if (step.do === 'pass' || step.do === 'jump') await moved?.()
    // Follow-ups may be in any queue.
    const queue = step.do === 'claim' ? step.claim.queue : 'queue' in step ? step.queue : undefined
    const expected = model.labelled(await model.step(step), queue)
    expect(store.labelled(await store.step(step), queue), JSON.stringify(step)).toEqual(expected)
    expect(await store.whole(), JSON.stringify(step)).toEqual(await model.whole())
  }
  await model.backend.close()
  return store.backend
}
