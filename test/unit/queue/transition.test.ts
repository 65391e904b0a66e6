import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Again, CrashPolicy } from '../../../src/queue/backend.ts'
import {
  HISTORY_LIMIT,
  JOB_STATES,
  type JobError,
  type JobRecord,
  type JobState,
  type NewJob,
} from '../../../src/queue/job.ts'
import {
  created,
  FROM,
  type JobChange,
  type JobEvent,
  NO_PAYLOAD,
  transition,
} from '../../../src/queue/transition.ts'

const NOW = 1_000_000

const keepMs = fc.constantFrom(null, 0, 1, 50_000)
const error: fc.Arbitrary<JobError> = fc.record({
  name: fc.constantFrom('Error', 'TypeError'),
  message: fc.string({ maxLength: 10 }),
  code: fc.constantFrom(null, 'E_CODE'),
  stack: fc.constant(null),
})
const again: fc.Arbitrary<Again> = fc.oneof(
  fc.record({ delayMs: fc.constantFrom(0, 1, 60_000) }),
  fc.record({ runAt: fc.constantFrom(1, NOW, NOW * 10) }),
)
const policy: fc.Arbitrary<CrashPolicy> = fc.record({
  maxCrashes: fc.integer({ min: 1, max: 4 }),
  keepDeadMs: keepMs,
})

const events: { readonly [K in JobEvent['kind']]: fc.Arbitrary<JobEvent> } = {
  claim: fc.record({
    kind: fc.constant('claim'),
    owner: fc.constantFrom('a', 'b'),
    token: fc.constantFrom('a:1', 'b:2'),
    leaseUntil: fc.nat(),
    started: fc.boolean(),
  }),
  start: fc.constant({ kind: 'start' }),
  due: fc.constant({ kind: 'due' }),
  expire: fc.constant({ kind: 'expire' }),
  reap: fc.record({ kind: fc.constant('reap'), policy }),
  unhandled: fc.constant({ kind: 'unhandled' }),
  replay: fc.constant({ kind: 'replay' }),
  done: fc.record({ kind: fc.constant('done'), result: fc.constantFrom(null, 'r'), keepMs }),
  retry: fc.record({ kind: fc.constant('retry'), again, error }),
  snooze: fc.record({ kind: fc.constant('snooze'), again }),
  hold: fc.record({ kind: fc.constant('hold'), again, error }),
  dead: fc.record({ kind: fc.constant('dead'), error, keepMs }),
  release: fc.constant({ kind: 'release' }),
  crash: fc.record({ kind: fc.constant('crash'), error, policy }),
  cancelled: fc.record({ kind: fc.constant('cancelled'), keepMs }),
}

const KINDS = Object.keys(events) as JobEvent['kind'][]
// Claims and starts come more often, or else few histories would get far.
const event = fc.oneof(
  { arbitrary: events.claim, weight: 12 },
  { arbitrary: events.due, weight: 6 },
  { arbitrary: events.start, weight: 4 },
  { arbitrary: events.retry, weight: 8 },
  { arbitrary: events.replay, weight: 4 },
  ...KINDS.map((kind) => ({ arbitrary: events[kind], weight: 1 })),
)

const newJob: fc.Arbitrary<NewJob> = fc.record({
  id: fc.constant('id'),
  type: fc.constant('mail'),
  payload: fc.constant('payload'),
  codec: fc.constant('json'),
  priority: fc.nat({ max: 1000 }),
  runAt: fc.constantFrom(null, 1, NOW + 5_000),
  delayMs: fc.constantFrom(0, 7_000),
  expireMs: fc.constantFrom(null, 9_000),
  maxRetries: fc.constantFrom(null, 3),
  dedupeMs: fc.constantFrom(0, 0, 20_000),
  headers: fc.constant({ a: 'b' }),
  tags: fc.constant(['t']),
  key: fc.constant(null),
  uniqueKey: fc.constant('u'),
  uniqueMs: fc.constantFrom(null, 3_000),
  parent: fc.constant(null),
})

interface Step {
  readonly before: JobRecord
  readonly event: JobEvent
  readonly change: JobChange | undefined
  readonly after: JobRecord
}

/** Lives of jobs: what happened, one event after another, while the clock moved, now and then backwards. */
const life: fc.Arbitrary<Step[]> = fc
  .tuple(
    newJob,
    fc.array(fc.tuple(event, fc.integer({ min: -2_000, max: 10_000 })), {
      minLength: 1,
      maxLength: 60,
      size: 'max',
    }),
  )
  .map(([job, happenings]) => {
    const steps: Step[] = []
    let before = created('queue', job, 5, NOW)
    let now = NOW
    for (const [event, elapsed] of happenings) {
      now += elapsed
      const change = transition(before, event, now)
      if (change?.removed) break
      const after = { ...before, ...change }
      steps.push({ before, event, change, after })
      before = after
    }
    return steps
  })

const finished = (state: JobState): boolean => state === 'done' || state === 'dead' || state === 'cancelled'

function always(check: (step: Step) => void): void {
  fc.assert(
    fc.property(life, (steps) => {
      for (const step of steps) check(step)
    }),
    { numRuns: 500 },
  )
}

describe('whatever happens to a job', () => {
  test('1: owner, token and lease are there exactly while it is active', () => {
    always(({ after }) => {
      const holds = [after.owner, after.token, after.leaseUntil].map((value) => value !== null)
      expect(holds).toEqual(Array.from({ length: 3 }, () => after.state === 'active'))
    })
  })

  test('2: it is started only while it is active', () => {
    always(({ after }) => expect(after.started && after.state !== 'active').toBe(false))
  })

  test('3: it has a time to run at exactly while it is delayed', () => {
    always(({ after }) => expect(after.runAt !== null).toBe(after.state === 'delayed'))
  })

  test('4: it has an end exactly while it is finished', () => {
    always(({ after }) => {
      expect(after.finishedAt !== null).toBe(finished(after.state))
      if (after.keepUntil !== null) expect(finished(after.state)).toBe(true)
    })
  })

  test('5: it is kept for at least its dedupe window', () => {
    always(({ after }) => {
      if (after.keepUntil === null) return
      expect(after.keepUntil).toBeGreaterThanOrEqual((after.finishedAt ?? 0) + after.dedupeMs)
    })
  })

  test('6: what names and orders it never changes', () => {
    const lasting = ({ id, queue, type, seq, priority, createdAt }: JobRecord): unknown[] => [
      ...[id, queue, type, seq, priority, createdAt],
    ]
    always(({ before, after, change }) => {
      expect(lasting(after)).toEqual(lasting(before))
      for (const name of ['headers', 'tags', 'maxRetries', 'dedupeMs', 'key', 'uniqueUntil', 'parent']) {
        expect(change ?? {}).not.toHaveProperty(name)
      }
    })
  })

  test('7: attempts grow by failures alone, one by one', () => {
    always(({ before, event, change, after }) => {
      const grown = change !== undefined && (event.kind === 'retry' || event.kind === 'dead') ? 1 : 0
      const reset = change !== undefined && event.kind === 'replay'
      expect(after.attempt).toBe(reset ? 0 : before.attempt + grown)
    })
  })

  test('8: crashes grow by crashes alone, one by one', () => {
    always(({ before, event, change, after }) => {
      const crashed = event.kind === 'crash' || (event.kind === 'reap' && before.started)
      const reset = change !== undefined && event.kind === 'replay'
      expect(after.crashes).toBe(reset ? 0 : before.crashes + (change !== undefined && crashed ? 1 : 0))
    })
  })

  test('9: its history grows at the end and has a limit', () => {
    always(({ before, after }) => {
      expect(after.history.length).toBeLessThanOrEqual(HISTORY_LIMIT)
      const added = after.history.at(-1) === before.history.at(-1) ? 0 : 1
      expect(after.history).toEqual(
        [...before.history, ...after.history.slice(after.history.length - added)].slice(-HISTORY_LIMIT),
      )
    })
  })

  test('10: its payload never changes, unless only the id is kept; then it never runs again', () => {
    always(({ before, after }) => {
      if (after.codec === NO_PAYLOAD) expect([after.payload, after.result]).toEqual(['', null])
      else expect(after.payload).toBe(before.payload)
      if (before.codec === NO_PAYLOAD) expect(after).toEqual(before)
    })
  })

  test('11: it has a result only when it is done', () => {
    always(({ after }) => {
      if (after.result !== null) expect(after.state).toBe('done')
    })
  })

  test('12: done is final, and only replay leads out of dead and cancelled', () => {
    always(({ before, event, change }) => {
      if (before.state === 'done') expect(change).toBeUndefined()
      else if (finished(before.state) && change !== undefined) expect(event.kind).toBe('replay')
    })
  })

  test('13: a claim that was handed back before its start leaves no trace', () => {
    fc.assert(
      fc.property(
        life,
        events.claim,
        fc.constantFrom('release', 'reap'),
        policy,
        (steps, claim, kind, policy) => {
          const job = steps.at(-1)?.after
          if (job?.state !== 'waiting') return
          const claimed = { ...job, ...transition(job, { ...claim, started: false } as JobEvent, NOW) }
          const back = transition(claimed, kind === 'reap' ? { kind, policy } : { kind: 'release' }, NOW)
          expect({ ...claimed, ...back }).toEqual(job)
        },
      ),
    )
  })

  test('14: an event in a state that is not in its row changes nothing', () => {
    always(({ before, event, change }) => {
      if (!FROM[event.kind].includes(before.state)) expect(change).toBeUndefined()
    })
  })
})

describe('the drawing', () => {
  const page = readFileSync(new URL('../../../docs/state-machine.md', import.meta.url), 'utf8')
  const table = readTable(page, '| event | waiting |')

  test('has a row for every event and a column for every state', () => {
    expect([...table.keys()].toSorted()).toEqual(KINDS.toSorted())
    for (const row of table.values()) expect([...row.keys()]).toEqual(JOB_STATES)
  })

  test.each(KINDS)('agrees with the code about %s', (kind) => {
    for (const state of JOB_STATES) {
      const targets = table.get(kind)?.get(state) ?? []
      expect(targets.length > 0, `${kind} from ${state}`).toBe(FROM[kind].includes(state))
      expect(targetsOf(kind, state), `${kind} from ${state}`).toEqual(targets.toSorted())
    }
  })

  test.each(KINDS)('shows every way of %s between two states', (kind) => {
    const drawn = new Set(
      [...page.matchAll(/^ {4}(\w+) --> (\w+): (.*)$/gm)].map(([, from, to]) => `${from} ${to}`),
    )
    for (const state of FROM[kind]) {
      for (const target of targetsOf(kind, state)) {
        if (target !== 'gone') expect(drawn).toContain(`${state} ${target}`)
      }
    }
  })

  test('numbers as many invariants as are tested here', () => {
    const numbers = [...page.slice(page.indexOf('## Invariants')).matchAll(/^(\d+)\. /gm)].map(([, n]) => n)
    expect(numbers).toEqual(Array.from({ length: 14 }, (_, n) => String(n + 1)))
  })
})

/** Every state that `kind` leads to from `state`, found by trying many variants; `gone` when it can remove. */
function targetsOf(kind: JobEvent['kind'], state: JobState): string[] {
  const job: JobRecord = {
    ...created('queue', fc.sample(newJob, { numRuns: 1, seed: 1 })[0] as NewJob, 1, NOW),
    state,
    dedupeMs: 0,
    crashes: 1,
  }
  const targets = new Set<string>()
  for (const event of fc.sample(events[kind], { numRuns: 200, seed: 1 })) {
    for (const started of [true, false]) {
      const change = transition({ ...job, started }, event, NOW)
      if (change !== undefined) targets.add(change.removed ? 'gone' : (change.state ?? state))
    }
  }
  return [...targets].sort()
}

/** A table of the page: row name, then column name, then the words of the cell. */
function readTable(page: string, head: string): Map<string, Map<string, string[]>> {
  const lines = page.slice(page.indexOf(head)).split('\n')
  const cells = (line = ''): string[] =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim())
  const [, ...columns] = cells(lines[0])
  const rows = lines.slice(
    2,
    lines.findIndex((line) => !line.startsWith('|')),
  )
  return new Map(
    rows.map((line) => {
      const [name = '', ...row] = cells(line)
      const words = row.map((cell, n): [string, string[]] => [
        columns[n] ?? '',
        cell === '-' ? [] : cell.split(', '),
      ])
      return [name, new Map(words)]
    }),
  )
}
