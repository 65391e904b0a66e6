import type { CaseResult } from './case.ts'
import { median, returnedBefore, SETTLE_MS, type Duplicate } from './referee.ts'

/** True when nothing was lost, nothing ran twice without a reason, and nothing else was wrong. */
export function isWell({ verdict, violations }: CaseResult): boolean {
  return verdict.lost.length === 0 && unexplained([{ verdict }]) === 0 && violations.length === 0
}

/** What a case came to, for people. */
export function caseText(name: string, seconds: number, result: CaseResult): string {
  const { verdict, strikes, notes, violations } = result
  const { jobs, lost, duplicates, recoveriesMs, cutOff } = verdict
  const lines = [
    `${isWell(result) ? 'ok  ' : 'FAIL'} ${name}: ${jobs} jobs, ${strikes} strikes, lost ${lost.length}, ` +
      `ran again ${duplicates.length} (${unexplained([result])} unexplained), ${seconds.toFixed(0)} s`,
  ]
  if (recoveriesMs.length > 0) {
    lines.push(
      `cut off ${cutOff.reduce((sum, count) => sum + count, 0)} runs, at most ${Math.max(...cutOff)} at once; ` +
        `all of them ran again after ${span(median(recoveriesMs))} (median), ${span(Math.max(...recoveriesMs))} (longest)`,
    )
  }
  const slow = duplicates.filter((each) => each.explained && returnedBefore(each) > SETTLE_MS)
  if (slow.length > 0) {
    lines.push(
      `${slow.length} of those that ran again had returned more than ${SETTLE_MS} ms before: their settle still ` +
        `waited for the disk or for another process, for ${Math.max(...slow.map(returnedBefore)).toFixed(0)} ms at the longest`,
    )
  }
  lines.push(...notes)
  if (lost.length > 0) lines.push(`lost: ${some(lost)}`)
  const doubled = duplicates.filter(({ explained }) => !explained)
  lines.push(...doubled.slice(0, 5).map(doubledText))
  lines.push(...violations.map((violation) => `wrong: ${violation}`))
  return lines.join('\n     ')
}

/** The line that scripts read. */
export function jsonLine(results: ReadonlyMap<string, CaseResult>): string {
  const all = [...results.values()]
  // The figures of strength are those of one case; the faults are those of all.
  const main = results.get('kill') ?? all[0]
  return JSON.stringify({
    jobs: main?.verdict.jobs ?? 0,
    lost: all.reduce((sum, { verdict }) => sum + verdict.lost.length, 0),
    duplicates: all.reduce((sum, { verdict }) => sum + verdict.duplicates.length, 0),
    unexplainedDuplicates: unexplained(all),
    kills: main?.strikes ?? 0,
    recoveryMs: recovery(main?.verdict.recoveriesMs ?? []),
  })
}

/** The same for a store that is a server: sums over all cases, since its faults are of many kinds. */
export function serverJsonLine(results: ReadonlyMap<string, CaseResult>): string {
  const all = [...results.values()]
  const sum = (count: (result: CaseResult) => number): number =>
    all.reduce((total, result) => total + count(result), 0)
  return JSON.stringify({
    jobs: sum(({ verdict }) => verdict.jobs),
    lost: sum(({ verdict }) => verdict.lost.length),
    duplicates: sum(({ verdict }) => verdict.duplicates.length),
    unexplainedDuplicates: unexplained(all),
    faults: sum(({ strikes }) => strikes),
    recoveryMs: recovery(all.flatMap(({ outagesMs = [] }) => outagesMs)),
  })
}

/** The longest, in whole ms; null when nothing was cut off, or something never ran again. */
function recovery(recoveriesMs: readonly number[]): number | null {
  const longest = Math.max(...recoveriesMs)
  return Number.isFinite(longest) ? Math.round(longest) : null
}

function unexplained(results: readonly Pick<CaseResult, 'verdict'>[]): number {
  return results.flatMap(({ verdict }) => verdict.duplicates).filter(({ explained }) => !explained).length
}

function doubledText({ job, before, run, interruptedAt }: Duplicate): string {
  const after = (at: number | undefined): string =>
    at === undefined ? 'never' : `at ${(at - before.startedAt).toFixed(1)} ms`
  return (
    `job ${job} ran twice: in process ${before.life}, ended ${after(before.endedAt)}, returned ` +
    `${after(before.returnedAt)}, interrupted ${after(interruptedAt)}; in process ${run.life} ${after(run.startedAt)}`
  )
}

function span(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

function some(jobs: readonly number[]): string {
  const first = jobs.slice(0, 10).join(', ')
  return jobs.length > 10 ? `${first} and ${jobs.length - 10} more` : first
}
