import type { Contender, Run } from '../../case.ts'
import type { Frames } from './frames.ts'
import type { Report } from './receipts.ts'

/** Messages on their way to a worker, and what it says of them in the end. */
export interface Line {
  /** Sends message `n`. @returns what is to be waited for before the next. */
  post(n: number): Promise<void> | undefined
  /** Resolves when all that was posted is handled. */
  drained(): Promise<void>
  report(): Promise<Report>
  close(): Promise<void>
}

/** @param timed the worker notes when it handles each. */
export type OpenLine<Messages = Frames> = (messages: Messages, timed?: boolean) => Promise<Line>

/** So much of a run is before the clock: the worker's code is compiled in its own thread or process. */
const WARM_UP = 0.25

/** Messages a second, from the first until the last is handled. */
export function sentAll<Messages>(open: OpenLine<Messages>, make: (count: number) => Messages): Contender {
  return async (run) => {
    const { jobs, timed } = run
    const first = Math.floor(jobs * WARM_UP)
    const line = await open(make(jobs))
    await send(line, 0, first)
    const seconds = await timed(() => send(line, first, jobs))
    countIn(run, jobs, await line.report())
    await line.close()
    return (jobs - first) / seconds
  }
}

async function send(line: Line, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) {
    const full = line.post(n)
    if (full !== undefined) await full
  }
  await line.drained()
}

/** @throws Error when messages of a key came out of order. */
export function countIn({ deliveries }: Pick<Run, 'deliveries'>, messages: number, report: Report): void {
  deliveries.expect(messages)
  for (const [n, count] of report.counts.entries())
    for (let time = 0; time < count; time++) deliveries.mark(n)
  if (report.outOfOrder > 0)
    throw new Error(`expected messages of a key in order, got: ${report.outOfOrder} that were not`)
}
