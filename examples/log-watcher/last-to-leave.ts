import { Worker, type Queue, type Server } from 'millhand'

interface LastToLeaveOptions {
  readonly server: Server
  readonly queue: Pick<Queue, 'stats'>
}

/** Stops the server when all logs are read and all matches are printed: what `--once` means. */
export class LastToLeave extends Worker<LastToLeaveOptions> {
  /** True once nothing was left to do; false when it was stopped before. */
  isDone = false

  protected override async main(): Promise<void> {
    while (await this.sleep(100)) {
      if (!(await this.#isAllDone())) continue
      this.isDone = true
      // Not awaited: the server waits for this worker to end.
      void this.options.server.stop()
    }
  }

  async #isAllDone(): Promise<boolean> {
    const watchers = this.options.server.workers.filter(({ placement }) => placement === 'thread')
    // Looked at first: what a watcher has stored before its end is in the counts that are read after it.
    if (watchers.some(({ state }) => state !== 'stopped')) return false
    const { waiting, delayed, active } = (await this.options.queue.stats()).counts
    return waiting + delayed + active === 0
  }
}
