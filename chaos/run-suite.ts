import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureInstalled, isRoot } from '../test/servers/ensure.ts'
import type { CaseResult, ChaosCase, ChaosContext } from './case.ts'
import { caseText, isWell } from './report.ts'
import type { Suite } from './suites.ts'

export interface RunOptions {
  readonly scale: ChaosContext['scale']
  readonly seed: number
  readonly signal: AbortSignal
  readonly say: (text: string) => void
}

/** Runs cases one after the other. What they left behind is kept when something was wrong. */
export async function runSuite(
  { store }: Suite,
  cases: readonly ChaosCase[],
  { scale, seed, signal, say }: RunOptions,
): Promise<Map<string, CaseResult>> {
  ensureInstalled(store.needs)
  const results = new Map<string, CaseResult>()
  const root = mkdtempSync(join(tmpdir(), `millhand-chaos-${store.name}-`))
  for (const each of cases) {
    signal.throwIfAborted()
    if (isRoot) tryInstall(each, say)
    const obstacle = each.obstacle?.()
    if (obstacle !== undefined) {
      say(`skip ${each.name}: ${obstacle}`)
      continue
    }
    say(`     ${each.name}: ${each.title} ...`)
    const folder = join(root, each.name)
    mkdirSync(folder)
    const begin = performance.now()
    const result = await Promise.race([each.run({ store, scale, seed, folder, signal }), aborted(signal)])
    say(caseText(each.name, (performance.now() - begin) / 1000, result))
    results.set(each.name, result)
    if (isWell(result)) rmSync(folder, { recursive: true, force: true })
    else say(`     its store, ledgers and logs: ${folder}`)
  }
  if ([...results.values()].every(isWell)) rmSync(root, { recursive: true, force: true })
  return results
}

/** Without it the case itself says what it lacks. */
function tryInstall({ needs = [] }: ChaosCase, say: (text: string) => void): void {
  try {
    ensureInstalled(needs)
  } catch (error) {
    say((error as Error).message)
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('interrupted')))
  })
}
