import { expect, test } from 'vitest'
import { recoveryMs } from '../../../chaos/recovery.ts'
import type { Run } from '../../../chaos/runs.ts'

function run(life: number, startedAt: number, settledAt?: number): Run {
  const known = { job: startedAt, token: `${life}:${startedAt}`, life, startedAt }
  return settledAt === undefined ? known : { ...known, settledAt }
}

test('a server is recovered from when the last process has a job settled that it began since', () => {
  const runs = [run(1, 110, 130), run(1, 120, 125), run(2, 140, 170)]
  expect(recoveryMs(runs, { at: 100, lives: [1, 2] })).toBe(70)
  expect(recoveryMs(runs, { at: 100, lives: [1] })).toBe(25)
})

test('what a process began before does not count, nor what is not settled', () => {
  expect(recoveryMs([run(1, 90, 105)], { at: 100, lives: [1] })).toBe(Infinity)
  expect(recoveryMs([run(1, 110)], { at: 100, lives: [1] })).toBe(Infinity)
  expect(recoveryMs([run(1, 110, 120)], { at: 100, lives: [1, 2] })).toBe(Infinity)
})
