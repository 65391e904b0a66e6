import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Ledger } from '../../../chaos/ledger.ts'
import { parseLedger, readRuns } from '../../../chaos/runs.ts'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'millhand-ledger-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

test('what a ledger notes is read as runs, of each process its own', async () => {
  const path = folder()
  const first = new Ledger(path, 1)
  first.note('start', 7, 'a:1')
  first.note('start', 8, 'a:1')
  first.note('abort', 7, 'a:1')
  first.note('end', 8, 'a:1')
  await Promise.all([first.durable(), first.durable()])
  first.note('return', 8, 'a:1')
  first.note('settle', 8, 'a:1')
  first.note('stale', 7)
  const second = new Ledger(path, 2)
  second.note('start', 7, 'b:1')
  const at = expect.any(Number) as number
  expect(readRuns(path)).toEqual([
    { job: 7, token: 'a:1', life: 1, startedAt: at, abortedAt: at, stale: true },
    { job: 8, token: 'a:1', life: 1, startedAt: at, endedAt: at, returnedAt: at, settledAt: at },
    { job: 7, token: 'b:1', life: 2, startedAt: at },
  ])
  expect(readFileSync(join(path, '1.ledger'), 'utf8')).toMatch(
    new RegExp(`^start 7 a:1 ${process.pid} [0-9.]+\n`),
  )
  first.close()
  second.close()
})

test('a job that the same process runs twice is two runs', () => {
  const runs = parseLedger(1, 'start 7 a:1 9 1.0\nstart 7 a:2 9 2.0\nend 7 a:1 9 3.0\nend 7 a:2 9 4.0\n')
  expect(runs.map(({ startedAt, endedAt }) => [startedAt, endedAt])).toEqual([
    [1, 3],
    [2, 4],
  ])
})

test('a line that a kill cut short was never written; any other that is not understood is an error', () => {
  expect(parseLedger(1, 'start 7 a:1 9 1.0\nend 7 a:')).toEqual([
    { job: 7, token: 'a:1', life: 1, startedAt: 1 },
  ])
  expect(() => parseLedger(1, 'begin 7 a:1 9 1.0\n')).toThrow('expected a line of a ledger, got: begin 7')
  expect(() => parseLedger(1, 'end 7 a:1 9 1.0\n')).toThrow('expected the start of job 7 before')
})
