/** Without a strict judge two hundred runs prove nothing. */
import { describe, expect, test } from 'vitest'
import { faultOf, SHUTDOWN_MS, type FaultName } from '../../../chaos/server/faults.ts'
import { deadlineMs, judgeRun, MARGIN_MS, type Outcome, type Seen } from '../../../chaos/server/outcome.ts'
import { planOf } from '../../../chaos/server/plan.ts'
import { failureText, faultTable, isWell, totalsOf, totalsText } from '../../../chaos/server/report.ts'

const ended = (code: number | null, at = 1500, signal: NodeJS.Signals | null = null) => ({ code, signal, at })

function outcome(fault: FaultName, changes: Partial<Seen> = {}): Outcome {
  const seen: Seen = {
    strike: { at: 1000 },
    failure: undefined,
    end: ended(0),
    orphans: [],
    lost: [],
    ...changes,
  }
  return judgeRun(planOf(1, 0, fault), faultOf(fault), seen)
}

describe('a run is judged', () => {
  test('fine when it ends in time with the code that the fault asks for', () => {
    expect(outcome('terminate')).toMatchObject({ wrongExit: false, late: false, tookMs: 500, faults: [] })
    expect(outcome('twice', { end: ended(1) }).faults).toEqual([])
    expect(outcome('kill-server', { end: ended(null, 1010, 'SIGKILL') }).faults).toEqual([])
  })

  test('a wrong exit when it ends with another code, or by a signal', () => {
    expect(outcome('terminate', { end: ended(1) })).toMatchObject({
      wrongExit: true,
      faults: ['expected it to end with 0, got: 1'],
    })
    expect(outcome('ignore-stop').wrongExit).toBe(true)
    expect(outcome('terminate', { end: ended(null, 1500, 'SIGTERM') }).wrongExit).toBe(true)
  })

  test('what was hit before it could listen may die of the signal', () => {
    const end = ended(null, 1010, 'SIGTERM')
    expect(outcome('start', { strike: { at: 1000, exits: [0, 'SIGTERM'] }, end }).wrongExit).toBe(false)
    expect(outcome('start', { end }).wrongExit).toBe(true)
  })

  test('late when it ends after its deadline and the margin of a busy machine, or never', () => {
    const last = 1000 + SHUTDOWN_MS + MARGIN_MS
    expect(outcome('terminate', { end: ended(0, last) }).late).toBe(false)
    expect(outcome('terminate', { end: ended(0, last + 1) })).toMatchObject({ late: true, wrongExit: false })
    expect(outcome('terminate', { end: undefined })).toMatchObject({ late: true, wrongExit: false })
    expect(deadlineMs(faultOf('twice'))).toBeLessThan(SHUTDOWN_MS)
  })

  test('a wrong exit when it ended before it could be hit', () => {
    const failure = 'expected the server to print "ready", but it ended with 1'
    expect(outcome('give-up', { strike: undefined, failure, end: ended(1) })).toMatchObject({
      wrongExit: true,
      faults: [failure, 'expected it to end with 1, got: 1'],
    })
  })

  test('by each process and each job that it left', () => {
    expect(outcome('terminate', { orphans: [12, 13], lost: [7] })).toMatchObject({
      orphans: 2,
      lost: 1,
      faults: ['processes outlived it: 12, 13', 'jobs were lost: 7 (1)'],
    })
  })
})

describe('the runs are told', () => {
  const bad = outcome('terminate', { end: ended(3, 99_000), orphans: [12], lost: [1, 2] })

  test('as sums that scripts read', () => {
    expect(totalsOf([outcome('terminate'), bad, outcome('group')])).toEqual({
      runs: 3,
      orphans: 1,
      lost: 2,
      wrongExit: 1,
      late: 1,
    })
  })

  test('well only when there were runs, and none did anything wrong', () => {
    expect(isWell(totalsOf([outcome('terminate')]))).toBe(true)
    expect(isWell(totalsOf([]))).toBe(false)
    expect(isWell(totalsOf([bad]))).toBe(false)
  })

  test('to people by fault, with the line that repeats a failure', () => {
    expect(totalsText(totalsOf([bad]))).toBe('orphans 1, lost 2, wrong exit 1, late 1')
    expect(failureText(bad)).toContain('npm run chaos -- server --case terminate --seed 1')
    const [head, first, second] = faultTable([bad, outcome('terminate'), outcome('group')]).split('\n')
    expect(head).toMatch(/^fault +runs +orphans +lost +wrong exit +late +median end +slowest end$/)
    expect(first).toMatch(/^group +1 +0 +0 +0 +0 +500 ms +500 ms$/)
    expect(second).toMatch(/^terminate +2 +1 +2 +1 +1 +500 ms +98000 ms$/)
  })
})
