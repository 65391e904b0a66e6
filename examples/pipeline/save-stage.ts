import { Guest } from './guest.ts'
import { LEASE, openQueues } from './queues.ts'
import { openResults, resultsFile } from './results.ts'
import type { Fate } from './step.ts'
import { ThreadStage } from './thread-stage.ts'

/** Saves what was found: the end of the pipeline. */
export class SaveStage extends ThreadStage {
  static override module = import.meta.url

  protected override open(): Guest {
    const { queues, close } = openQueues(this.options.db, this.logger)
    const results = openResults(resultsFile(this.options.db))
    const { name, logger } = this
    const worker = queues.save.worker(
      {
        item: ({ payload }): Fate => {
          results.save(payload)
          return 'saved'
        },
      },
      { name, logger, lease: LEASE },
    )
    return new Guest(worker, async () => {
      results.close()
      await close()
    })
  }
}
