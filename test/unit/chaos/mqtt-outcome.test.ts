import { describe, expect, test } from 'vitest'
import { isWell, judge, jsonLine, WINDOW, type Evidence, type Hit } from '../../../chaos/mqtt/outcome.ts'
import type { Run } from '../../../chaos/runs.ts'

/** Message 1, handled in process 10 from 100 to 120, unless told otherwise. */
function run(changes: Partial<Run> = {}): Run {
  return { job: 1, token: 'first-1', life: 10, startedAt: 100, endedAt: 120, ...changes }
}

const again = (changes: Partial<Run> = {}): Run =>
  run({ token: 'again-1', life: 11, startedAt: 200, ...changes })
const judged = (evidence: Partial<Evidence>) =>
  judge({ accepted: new Set([1]), copies: new Map(), runs: [], hits: [], restarts: 0, ...evidence })

describe('a message is lost', () => {
  test('when the broker has accepted it and nobody handled it to the end', () => {
    const begun: Run = { job: 1, token: 'first-1', life: 10, startedAt: 100 }
    expect(judged({ runs: [begun] }).lost).toEqual([1])
    expect(judged({ runs: [begun, again()] }).lost).toEqual([])
    expect(judged({ accepted: new Set(), runs: [begun] }).lost).toEqual([])
  })
})

describe('a message that was handled twice', () => {
  const runs = [run(), again()]
  const kill: Hit = { kind: 'kill', at: 150, pid: 10 }

  test('is excused by dup and a fault between both', () => {
    expect(judged({ runs, hits: [kill] })).toMatchObject({
      duplicates: 1,
      excuses: { kill: 1 },
      unexplained: [],
    })
    expect(judged({ runs, hits: [{ kind: 'network', at: 150 }] }).unexplained).toEqual([])
  })

  test('is not when the fault came before, after, or to another process', () => {
    for (const hit of [
      { ...kill, at: 40 },
      { ...kill, at: 201 },
      { ...kill, pid: 12 },
    ])
      expect(judged({ runs, hits: [hit] }).unexplained).toHaveLength(1)
  })

  test('is not without dup, unless the broker crashed, or had it from its publisher twice', () => {
    const silent = [run(), again({ token: 'first-2' })]
    expect(judged({ runs: silent, hits: [kill] }).unexplained).toHaveLength(1)
    expect(judged({ runs: silent, hits: [{ kind: 'crash', at: 150 }] }).unexplained).toEqual([])
    expect(judged({ runs: silent, copies: new Map([[1, 2]]) })).toMatchObject({
      excuses: { 'published again': 1 },
    })
  })

  test('is not when its acknowledgement had long left and a whole window had come since', () => {
    const late: Hit = { kind: 'kill', at: 2000, pid: 10 }
    const after = again({ startedAt: 2100, endedAt: 2110 })
    const more = (count: number): Run[] =>
      Array.from({ length: count }, (_, n) => run({ job: 100 + n, startedAt: 150 + n, endedAt: 300 }))
    expect(judged({ runs: [run(), after, ...more(WINDOW)], hits: [late] }).unexplained).toHaveLength(1)
    expect(judged({ runs: [run(), after, ...more(WINDOW - 1)], hits: [late] }).unexplained).toEqual([])
    const ended = (endedAt: number): Run[] => [run({ endedAt }), after, ...more(WINDOW)]
    expect(judged({ runs: ended(999), hits: [late] }).unexplained).toHaveLength(1)
    expect(judged({ runs: ended(1000), hits: [late] }).unexplained).toEqual([])
    // Of a broker that was killed, what counts is what it had heard and written.
    const crash: Hit = { kind: 'crash', at: 2000, heardAt: 1800 }
    expect(judged({ runs: ended(799), hits: [crash] }).unexplained).toHaveLength(1)
    expect(judged({ runs: ended(800), hits: [crash] }).unexplained).toEqual([])
    // Its handler, or that of one that had come before it to the same process, was still at work.
    const slow = (life: number): Run => run({ job: 2, life, startedAt: 90, endedAt: 2001 })
    const all = [run(), after, ...more(WINDOW)]
    expect(judged({ runs: [...all, slow(10)], hits: [late] }).unexplained).toEqual([])
    expect(judged({ runs: [...all, slow(12)], hits: [late] }).unexplained).toHaveLength(1)
  })

  test('comes once more for each run that was cut off, and for each time that it was published', () => {
    const third = again({ token: 'again-2', startedAt: 300, endedAt: 310 })
    expect(judged({ runs: [...runs, third], hits: [kill] })).toMatchObject({
      ...{ duplicates: 2, excuses: { kill: 1 } },
      unexplained: [expect.stringContaining('message 1')],
    })
    const second: Hit = { kind: 'network', at: 250 }
    expect(judged({ runs: [...runs, third], hits: [kill, second] }).unexplained).toEqual([])
    const copies = new Map([[1, 2]])
    expect(judged({ runs: [...runs, third], hits: [kill], copies }).unexplained).toEqual([])
    expect(judged({ runs: [...runs, third], copies }).unexplained).toHaveLength(1)
  })
})

test('a worker that was started again though nobody killed it is told, and the line sums up all cases', () => {
  const fine = judged({ runs: [run()] })
  const restarted = judged({ runs: [run()], restarts: 2, hits: [{ kind: 'kill', at: 1, pid: 1 }] })
  expect([fine, restarted].map(isWell)).toEqual([true, false])
  expect(JSON.parse(jsonLine([fine, restarted]))).toEqual({
    messages: 2,
    lost: 0,
    duplicates: 0,
    unexplainedDuplicates: 0,
    faults: 1,
    otherRestarts: 1,
  })
  expect(isWell(judged({ accepted: new Set() }))).toBe(false)
})
