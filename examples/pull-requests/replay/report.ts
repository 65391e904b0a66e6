import type { Queues } from '../queues.ts'
import type { Results } from '../storage/results.ts'
import type { Verdict } from './audit.ts'
import type { Answer } from './deliver.ts'

/**
 * The replay in seven numbers. `received = accepted + ignored + duplicates`. The deliveries that the store is
 * answerable for, accepted now or in an earlier run, are `done + dead + lost`.
 */
export interface Report extends Verdict {
  readonly received: number
  readonly accepted: number
  readonly ignored: number
  readonly duplicates: number
}

export function report(answers: readonly Answer[], { done, dead, lost }: Verdict): Report {
  const count = (status: Answer['status']): number => answers.filter((each) => each.status === status).length
  const [accepted, ignored, duplicates] = [count('accepted'), count('ignored'), count('duplicate')]
  return { received: accepted + ignored + duplicates, accepted, ignored, duplicates, done, dead, lost }
}

/** The report for people, with a look into the queues and at what came out. */
export async function summary(report: Report, queues: Queues, results: Results): Promise<string> {
  const { pulls, analyses, fixes } = results.counts()
  const stats = await Promise.all(Object.values(queues).map((queue) => queue.stats()))
  return [
    '',
    table([
      ['Deliveries', '', ''],
      ['received', report.received, 'over HTTP, with valid signatures'],
      ['accepted', report.accepted, 'stored as jobs before they were answered'],
      ['ignored', report.ignored, 'of events that do not matter here'],
      ['duplicates', report.duplicates, 'known by their id, and dropped'],
    ]),
    table([
      ['What became of them', '', ''],
      ['done', report.done, 'with every job that followed from them'],
      ['dead', report.dead, 'failed for good, kept as dead letters'],
      ['lost', report.lost, report.lost === 0 ? 'each was looked up in the store' : 'THIS MUST NOT HAPPEN'],
    ]),
    table([
      ['Jobs, by queue', '', ''],
      ...stats.map(({ queue, counts }): Row => [
        queue,
        counts.done,
        counts.dead > 0 ? `${counts.dead} dead` : '',
      ]),
    ]),
    table([
      ['Results', '', ''],
      ['pull requests', pulls, 'GET /pulls'],
      ['analyses', analyses, ''],
      ['fixes', fixes, ''],
    ]),
  ].join('\n')
}

type Row = readonly [label: string, value: number | '', note: string]

function table(rows: readonly Row[]): string {
  return rows
    .map(([label, value, note], index) =>
      index === 0 ? label : `  ${label.padEnd(14)}${String(value).padStart(6)}   ${note}`.trimEnd(),
    )
    .concat('')
    .join('\n')
}
