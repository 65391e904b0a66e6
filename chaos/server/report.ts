import type { Outcome } from './outcome.ts'

/** What `--json` prints, and what decides how the command ends. */
export interface Totals {
  readonly runs: number
  readonly orphans: number
  readonly lost: number
  readonly wrongExit: number
  readonly late: number
}

export function totalsOf(outcomes: readonly Outcome[]): Totals {
  return {
    runs: outcomes.length,
    orphans: sum(outcomes, ({ orphans }) => orphans),
    lost: sum(outcomes, ({ lost }) => lost),
    wrongExit: sum(outcomes, ({ wrongExit }) => (wrongExit ? 1 : 0)),
    late: sum(outcomes, ({ late }) => (late ? 1 : 0)),
  }
}

/** No run is no proof. */
export function isWell({ runs, orphans, lost, wrongExit, late }: Totals): boolean {
  return runs > 0 && orphans + lost + wrongExit + late === 0
}

/** `orphans 0, lost 0, wrong exit 0, late 0` */
export function totalsText({ orphans, lost, wrongExit, late }: Totals): string {
  return `orphans ${orphans}, lost ${lost}, wrong exit ${wrongExit}, late ${late}`
}

/** What was wrong with a run, and how to have it again. */
export function failureText({ plan, faults }: Outcome): string {
  const { fault, seed } = plan
  return [
    `FAIL ${fault}, seed ${seed}; once more: npm run chaos -- server --case ${fault} --seed ${seed}`,
    ...faults,
  ].join('\n     ')
}

const HEAD = ['fault', 'runs', 'orphans', 'lost', 'wrong exit', 'late', 'median end', 'slowest end']

/** A row for each fault that came up. */
export function faultTable(outcomes: readonly Outcome[]): string {
  const rows = [...Map.groupBy(outcomes, ({ plan }) => plan.fault)].map(([fault, own]) => {
    const { runs, orphans, lost, wrongExit, late } = totalsOf(own)
    const took = own.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b)
    const times = [took[Math.floor((took.length - 1) / 2)]!, took.at(-1)!].map((ms) => `${ms.toFixed(0)} ms`)
    return [fault, ...[runs, orphans, lost, wrongExit, late].map(String), ...times]
  })
  const all = [HEAD, ...rows.toSorted(([a], [b]) => a!.localeCompare(b!))]
  const widths = HEAD.map((_, column) => Math.max(...all.map((row) => row[column]!.length)))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join('  ')
  return all.map(line).join('\n')
}

function sum(outcomes: readonly Outcome[], of: (outcome: Outcome) => number): number {
  return outcomes.reduce((total, outcome) => total + of(outcome), 0)
}
