import type { Verdict } from './audit.ts'
import type { Totals } from './results.ts'

export interface Report extends Verdict, Totals {}

/** The report for people. */
export function summary({ items, saved, filtered, dead, lost, ...totals }: Report): string {
  const rows: [string, number, string][] = [
    ['items', items, 'files that were found'],
    ['saved', saved, ''],
    ['filtered', sum(filtered), `ended on purpose: ${byStage(filtered)}`],
    ['dead', sum(dead), `kept as dead letters: ${byStage(dead)}`],
    ['lost', lost, lost === 0 ? 'each was looked up in the store' : 'THIS MUST NOT HAPPEN'],
    ['texts', totals.texts, 'in the results'],
    ['words', totals.words, `counted by ${totals.processes} processes`],
    ['bytes', totals.bytes, `${totals.gzipBytes} when they are zipped`],
  ]
  return rows
    .map(([label, value, note]) => `${label.padEnd(10)}${String(value).padStart(9)}   ${note}`.trimEnd())
    .join('\n')
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}

function byStage(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([stage, count]) => `${stage} ${count}`)
    .join(', ')
}
