import { Guest } from './guest.ts'
import { ProcessStage } from './process-stage.ts'
import { LEASE, openQueues, type Statistics, type Text } from './queues.ts'
import { describe } from './statistics.ts'
import { step } from './step.ts'

/** Counts words, in a process: what keeps a core busy keeps nobody else waiting, and may die alone. */
export class TransformStage extends ProcessStage {
  static override module = import.meta.url

  protected override open(): Guest {
    const { queues, close } = openQueues(this.options.db, this.logger)
    const handler = step(transform, queues.save)
    const { name, logger } = this
    const options = { name, logger, concurrency: 2, lease: LEASE }
    return new Guest(queues.transform.worker({ item: handler }, options), close)
  }
}

function transform({ text, ...item }: Text): Statistics | undefined {
  const found = describe(text)
  return found && { ...item, ...found, transformedBy: `process ${process.pid}` }
}
