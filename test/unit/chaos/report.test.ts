import { expect, test } from 'vitest'
import type { CaseResult } from '../../../chaos/case.ts'
import { judge, type Evidence } from '../../../chaos/referee.ts'
import { caseText, isWell, jsonLine, serverJsonLine } from '../../../chaos/report.ts'

const first = { job: 1, token: 'a:1', life: 1, startedAt: 100 }
const again = { job: 1, token: 'b:1', life: 2, startedAt: 400, endedAt: 410, returnedAt: 411, settledAt: 412 }

function result(
  changes: Partial<Evidence> & Partial<Pick<CaseResult, 'violations' | 'strikes'>> = {},
): CaseResult {
  const { violations = [], strikes = 1, ...evidence } = changes
  const jobs = new Set([1])
  const verdict = judge({
    accepted: jobs,
    done: jobs,
    runs: [first, again],
    interruptions: [{ life: 1, at: 150 }],
    concurrency: 1,
    ...evidence,
  })
  return { verdict, strikes, notes: [], violations }
}

test('the line for scripts has the strength of the case kill and the faults of all', () => {
  const results = new Map([
    ['kill', result({ strikes: 10 })],
    ['terminate', result({ interruptions: [], accepted: new Set([1, 2]) })],
  ])
  expect(JSON.parse(jsonLine(results))).toEqual({
    jobs: 1,
    lost: 1,
    duplicates: 2,
    unexplainedDuplicates: 1,
    kills: 10,
    recoveryMs: 250,
  })
})

test('a case alone gives its own figures, and no recovery where nothing was cut off', () => {
  expect(
    JSON.parse(jsonLine(new Map([['freeze', result({ interruptions: [], runs: [again] })]]))),
  ).toMatchObject({
    jobs: 1,
    duplicates: 0,
    recoveryMs: null,
  })
})

test('the line of a store that is a server has the sums of all cases, and the longest return', () => {
  const results = new Map([
    ['kill', result({ strikes: 10 })],
    ['outages', { ...result({ strikes: 3, interruptions: [] }), outagesMs: [120.4, 310.2] }],
  ])
  expect(JSON.parse(serverJsonLine(results))).toEqual({
    jobs: 2,
    lost: 0,
    duplicates: 2,
    unexplainedDuplicates: 1,
    faults: 13,
    recoveryMs: 310,
  })
  expect(JSON.parse(serverJsonLine(new Map([['kill', result()]])))).toMatchObject({ recoveryMs: null })
})

test('all is well only when nothing is lost, doubled without a reason, or otherwise wrong', () => {
  expect(isWell(result())).toBe(true)
  expect(isWell(result({ done: new Set() }))).toBe(false)
  expect(isWell(result({ interruptions: [] }))).toBe(false)
  expect(isWell(result({ violations: ['a process ended by itself'] }))).toBe(false)
})

test('people are told what was lost, what ran twice and when, and what was wrong', () => {
  const text = caseText('kill', 3, result({ interruptions: [], done: new Set(), violations: ['it hangs'] }))
  expect(text).toContain('FAIL kill: 1 jobs, 1 strikes, lost 1, ran again 1 (1 unexplained), 3 s')
  expect(text).toContain('lost: 1')
  expect(text).toContain(
    'job 1 ran twice: in process 1, ended never, returned never, interrupted never; in process 2 at 300.0 ms',
  )
  expect(text).toContain('wrong: it hangs')
})
