import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FaultName } from './faults.ts'
import type { Outcome } from './outcome.ts'
import { planOf } from './plan.ts'
import { failureText, totalsOf, totalsText } from './report.ts'
import { runOnce } from './run.ts'

export interface RunAllOptions {
  readonly runs: number
  /** No run is begun that would, by what the longest took so far, end so long after the first began, ms. */
  readonly withinMs: number
  readonly seed: number
  /** The only fault; undefined for all of them in turn. */
  readonly only: FaultName | undefined
  readonly signal: AbortSignal
  readonly say: (text: string) => void
}

/** So many servers live side by side: each waits most of the time, and none should have a machine to itself. */
const LANES = 2
/** Progress is told so often. */
const TELL_EVERY = 10

/** Does all runs. What a run left behind is kept when something was wrong with it. */
export async function runAll(options: RunAllOptions): Promise<Outcome[]> {
  const { runs, withinMs, seed, only, signal, say } = options
  if (!existsSync('/proc/self/environ'))
    throw new Error('expected a system that tells of its processes in /proc: Linux')
  const root = mkdtempSync(join(tmpdir(), 'millhand-chaos-server-'))
  const outcomes: Outcome[] = []
  const begin = performance.now()
  let next = 0
  let longest = 0
  const lane = async (): Promise<void> => {
    while (next < runs) {
      signal.throwIfAborted()
      const begun = performance.now()
      if (begun - begin + longest > withinMs) return
      const index = next++
      const folder = join(root, String(index))
      mkdirSync(folder)
      const outcome = await runOnce(planOf(seed, index, only), folder, signal)
      signal.throwIfAborted()
      outcomes.push(outcome)
      longest = Math.max(longest, performance.now() - begun)
      if (isFine(outcome)) rmSync(folder, { recursive: true, force: true })
      else say(`${failureText(outcome)}\n     its store, ledgers and log: ${folder}`)
      if (outcomes.length % TELL_EVERY === 0) {
        const seconds = ((performance.now() - begin) / 1000).toFixed(0)
        say(`     ${outcomes.length} runs, ${seconds} s: ${totalsText(totalsOf(outcomes))}`)
      }
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  if (outcomes.every(isFine)) rmSync(root, { recursive: true, force: true })
  return outcomes
}

function isFine({ faults }: Outcome): boolean {
  return faults.length === 0
}
