import { PeriodicWorker } from 'millhand'
import { mirror, type MirrorReport } from './mirror.ts'

export interface DirectorySyncOptions {
  readonly source: string
  readonly target: string
  readonly allowEmpty: boolean
  /** Ends after the first run. */
  readonly once: boolean
}

/** What it sends after each run: the event `message` of its handle. */
export interface SyncReport extends MirrorReport {
  readonly ms: number
  /** Runs left out so far, because one took longer than the interval. */
  readonly missedRuns: number
}

/** Mirrors one folder into another, again and again. */
export class DirectorySync extends PeriodicWorker<DirectorySyncOptions> {
  protected override async run(): Promise<void> {
    const startedAt = performance.now()
    try {
      const report = await mirror({ ...this.options, signal: this.signal })
      const ms = Math.round(performance.now() - startedAt)
      this.message({ ...report, ms, missedRuns: this.missedRuns } satisfies SyncReport)
      const { failures } = report
      // Counted and logged as a run that failed; the next one comes all the same.
      if (failures.length > 0) throw new Error(`${failures.length} could not be mirrored: ${failures[0]}`)
    } finally {
      // Not awaited: stop() waits for this very run.
      if (this.options.once) void this.stop()
    }
  }
}
