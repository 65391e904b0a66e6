import { describe, expect, test } from 'vitest'
import { isWell, judge, jsonLine, type Evidence, type Hit } from '../../../chaos/mqtt/outcome.ts'
import type { Run } from '../../../chaos/runs.ts'

/** Message 1, handled in process 10 from 100 to 120, unless told otherwise. */
function run(changes: Partial<Run> = {}): Run {
  return { job: 1, token: 'first-1', life: 10, startedAt: 100, endedAt: 120, ...changes }
}

const again = (changes: Partial<Run> = {}): Run =>
  run({ token: 'again-1', life: 11, startedAt: 200, ...changes })
const judged = (evidence: Partial<Evidence>) =>
  judge({ accepted: new Set([1]), sentAgain: new Set(), runs: [], hits: [], restarts: 0, ...evidence })

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
    expect(judged({ runs: silent, sentAgain: new Set([1]) })).toMatchObject({
      excuses: { 'published again': 1 },
    })
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
