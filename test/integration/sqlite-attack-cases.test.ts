/** Those of the chaos cases that are short enough to be tried with every change, at their small size. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { ChaosCase } from '../../chaos/case.ts'
import { blockedLoop } from '../../chaos/cases/blocked-loop.ts'
import { freeze } from '../../chaos/cases/freeze.ts'
import { caseText, isWell } from '../../chaos/report.ts'
import { SUITES } from '../../chaos/suites.ts'

async function attack(chaosCase: ChaosCase): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'millhand-attack-'))
  const giveUp = new AbortController()
  onTestFinished(() => {
    giveUp.abort()
    rmSync(folder, { recursive: true })
  })
  const { store } = SUITES.sqlite!
  const result = await chaosCase.run({ store, scale: 'quick', seed: 1, folder, signal: giveUp.signal })
  expect(isWell(result), caseText(chaosCase.name, 0, result)).toBe(true)
}

test('a process that was stopped past its leases and goes on has lost its jobs, and knows it', () =>
  attack(freeze))

test('a handler that blocks its event loop for three leases costs no neighbour its own', () =>
  attack(blockedLoop))
