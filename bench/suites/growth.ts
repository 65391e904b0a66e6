import type { Case, Contender, Suite } from '../case.ts'
import { withBacklog } from '../loads/backlog.ts'
import { processAll } from '../loads/process.ts'
import { acrossProcesses } from '../loads/processes.ts'
import { inSqlite } from '../loads/store.ts'

const normal = inSqlite('normal')

/** How the cost of a job grows. Millhand's figure is the last point of each series, its peers are those before. */
export const suite: Suite = {
  name: 'growth',
  cases: [
    series('backlog', 'Jobs processed while so many others wait behind them.', 50_000, {
      '1,000': behind(1_000),
      '10,000': behind(10_000),
      '100,000': behind(100_000),
      '1,000,000': behind(1_000_000),
    }),
    series('payload', 'Jobs processed with a payload of so many bytes of JSON.', 20_000, {
      '100': processAll(normal, { bytes: 100 }),
      '1,000': processAll(normal, { bytes: 1_000 }),
      '4,000': processAll(normal, { bytes: 4_000 }),
      '16,000': processAll(normal, { bytes: 16_000 }),
    }),
    series('concurrency', 'Jobs processed at so many at once.', 50_000, {
      '1': processAll(normal, { concurrency: 1 }),
      '10': processAll(normal, { concurrency: 10 }),
      '100': processAll(normal, { concurrency: 100 }),
      '1,000': processAll(normal, { concurrency: 1_000 }),
    }),
    series('processes', 'Jobs processed by so many processes that share a SQLite file.', 100_000, {
      '1': acrossProcesses(1),
      '2': acrossProcesses(2),
      '3': acrossProcesses(3),
      '4': acrossProcesses(4),
    }),
  ],
}

function behind(waiting: number): Contender {
  return withBacklog(normal, { full: waiting, quick: waiting, 'warm-up': 1_000 })
}

function series(
  name: string,
  about: string,
  jobs: number,
  points: Readonly<Record<string, Contender>>,
): Case {
  const names = Object.keys(points)
  const last = names.at(-1)!
  return {
    name,
    about,
    unit: 'jobs/s',
    better: 'higher',
    jobs: { full: jobs, quick: jobs / 10, 'warm-up': 5_000 },
    label: last,
    millhand: points[last]!,
    peers: Object.fromEntries(names.slice(0, -1).map((point) => [point, points[point]!])),
  }
}
