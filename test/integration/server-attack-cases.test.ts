/** One of the faults of `npm run chaos -- server`, with every change. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { planOf } from '../../chaos/server/plan.ts'
import { runOnce } from '../../chaos/server/run.ts'

// If it failed, a crash of the server would leave processes that work on without anybody, or lose jobs.
test.runIf(process.platform === 'linux')(
  'a server that is killed leaves no process behind, and what it had in hand is done by others',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millhand-attack-'))
    const giveUp = new AbortController()
    onTestFinished(() => {
      giveUp.abort()
      rmSync(folder, { recursive: true, force: true })
    })
    expect((await runOnce(planOf(1, 0, 'kill-server'), folder, giveUp.signal)).faults).toEqual([])
  },
)
