import type { Run } from './runs.ts'

/** When a server answered again, and the worker processes that had been cut off from it. */
export interface Return {
  readonly at: number
  readonly lives: readonly number[]
}

/**
 * How long it took until the last of the processes had a job settled that it began after the server was back:
 * until then it may only be finishing what it had. Infinity when one of them never had.
 */
export function recoveryMs(runs: readonly Run[], { at, lives }: Return): number {
  const settledAt = lives.map((life) =>
    runs.reduce(
      (first, run) =>
        run.life === life && run.startedAt > at ? Math.min(first, run.settledAt ?? Infinity) : first,
      Infinity,
    ),
  )
  return Math.max(...settledAt) - at
}
