import { describe, expect, test } from 'vitest'
import { judge, returnedBefore, type Evidence, type Verdict } from '../../../chaos/referee.ts'
import type { Run } from '../../../chaos/runs.ts'

/** A run of job 1 in process 1 from 100 to 120, settled at 121, unless told otherwise. */
function run(changes: Partial<Run> = {}): Run {
  const whole = {
    job: 1,
    token: 'a:1',
    life: 1,
    startedAt: 100,
    endedAt: 120,
    returnedAt: 120,
    settledAt: 121,
  }
  return { ...whole, ...changes }
}

/** A run of which no more is known than that it began. */
function begun({ job = 1, life = 1, startedAt = 100 }: Partial<Run> = {}): Run {
  return { job, token: `${life}:${startedAt}`, life, startedAt }
}

function verdict(evidence: Partial<Evidence>): Verdict {
  const jobs = new Set(evidence.runs?.map(({ job }) => job))
  return judge({ accepted: jobs, done: jobs, runs: [], interruptions: [], concurrency: 2, ...evidence })
}

const explained = ({ duplicates }: Verdict): boolean[] => duplicates.map((duplicate) => duplicate.explained)

describe('a job is lost', () => {
  test('when it was accepted and never ran to its end, whatever the queue says', () => {
    expect(
      verdict({ accepted: new Set([1, 2]), done: new Set([1, 2]), runs: [run(), begun({ job: 2 })] }).lost,
    ).toEqual([2])
    expect(verdict({ accepted: new Set([3]), done: new Set([3]) }).lost).toEqual([3])
  })

  test('when the queue does not say that it is done, though it ran', () => {
    expect(verdict({ accepted: new Set([1]), done: new Set(), runs: [run()] }).lost).toEqual([1])
  })

  test('but not when nobody had it accepted; that it ran is told', () => {
    const { lost, unaccepted, jobs } = verdict({ accepted: new Set(), runs: [run()] })
    expect({ lost, unaccepted, jobs }).toEqual({ lost: [], unaccepted: [1], jobs: 0 })
  })
})

describe('a second run', () => {
  const again = run({ life: 2, startedAt: 500, endedAt: 510, returnedAt: 510, settledAt: 511 })

  test('is explained when the process of the first was killed in the midst of it', () => {
    const result = verdict({ runs: [begun(), again], interruptions: [{ life: 1, at: 110 }] })
    expect(explained(result)).toEqual([true])
    expect(result.lost).toEqual([])
  })

  test('is explained when the first had returned and the store had not acknowledged it at the kill', () => {
    const returned = { ...begun(), endedAt: 120, returnedAt: 120 }
    const result = verdict({ runs: [returned, again], interruptions: [{ life: 1, at: 125 }] })
    expect(explained(result)).toEqual([true])
    expect(returnedBefore(result.duplicates[0]!)).toBe(5)
  })

  test('is explained when the first began in the moment that its process still had', () => {
    expect(
      explained(verdict({ runs: [begun({ startedAt: 101 }), again], interruptions: [{ life: 1, at: 100 }] })),
    ).toEqual([true])
  })

  test.for([
    ['nobody was interrupted', begun(), []],
    ['another process was interrupted', begun(), [{ life: 3, at: 110 }]],
    ['the store had acknowledged the first', run(), [{ life: 1, at: 122 }]],
    ['the second began before the kill', begun(), [{ life: 1, at: 600 }]],
    [
      'the first began after its process was stopped, on a claim that was over',
      begun({ startedAt: 300 }),
      [{ life: 1, at: 110 }],
    ],
  ] as const)('is not explained when %s', ([, first, interruptions]) => {
    expect(explained(verdict({ runs: [first, again], interruptions }))).toEqual([false])
  })

  test('is not excused by the kill of an earlier run', () => {
    const third = run({ life: 3, startedAt: 900 })
    const result = verdict({ runs: [third, again, begun()], interruptions: [{ life: 1, at: 110 }] })
    expect(explained(result)).toEqual([true, false])
  })
})

describe('one kill', () => {
  const jobs = [1, 2, 3, 4]
  const again = jobs.map((job) => run({ job, life: 2, startedAt: 500 + job }))
  const firsts = (returnedAt: number) =>
    jobs.map((job) => (job < 3 ? begun({ job }) : { ...begun({ job }), endedAt: returnedAt, returnedAt }))

  test('explains no more runs than its process had places', () => {
    const result = verdict({
      runs: [...firsts(110), ...again],
      interruptions: [{ life: 1, at: 200 }],
      concurrency: 2,
    })
    expect(explained(result)).toEqual([true, true, false, false])
  })

  test('and what had returned within the last 10 ms', () => {
    const result = verdict({
      runs: [...firsts(195), ...again],
      interruptions: [{ life: 1, at: 200 }],
      concurrency: 2,
    })
    expect(explained(result)).toEqual([true, true, true, true])
    expect(result.cutOff).toEqual([2])
  })

  test('is recovered from when the last of the jobs that it cut off runs again', () => {
    const interruptions = [
      { life: 1, at: 150 },
      { life: 2, at: 9000 },
    ]
    expect(verdict({ runs: [...firsts(145), ...again], interruptions }).recoveriesMs).toEqual([502 - 150])
    expect(verdict({ runs: firsts(145), interruptions }).recoveriesMs).toEqual([Infinity])
  })
})

test('each run beyond the first counts as a duplicate', () => {
  const runs = [100, 200, 300].map((startedAt) => run({ startedAt, token: `a:${startedAt}` }))
  expect(verdict({ runs: [...runs, run({ job: 2 })] }).duplicates).toHaveLength(2)
})
