import type { Sent } from './fleet.ts'
import type { Counts } from './routes.ts'
import type { Totals } from './store.ts'

export interface Summary extends Totals, Counts {
  /** Went to the dead letters. */
  readonly broken: number
  readonly answered: number
  /** Readings that were sent, and are not stored. */
  readonly missing: number
}

export function summaryText(summary: Summary, { messages }: Sent): string {
  const { devices, readings, minutes, gaps, duplicates, broken, answered, missing } = summary
  return [
    `${messages} messages of ${devices} devices: ${readings} readings in ${minutes} minutes`,
    `${duplicates} came twice and count once, ${gaps} never came, ${broken} were broken and are dead letters`,
    `${answered} questions answered; missing: ${missing}`,
  ].join('\n')
}
