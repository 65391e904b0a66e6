import { type } from 'arktype'
import {
  BatchWorker,
  EventBus,
  Queue,
  QueueWorker,
  ScheduledWorker,
  type BatchItem,
  type JobOf,
} from 'millhand'
import { memory } from 'millhand/memory'
import * as v from 'valibot'
import { z } from 'zod'

const backend = memory()
const mixed = new Queue('mixed', {
  backend,
  jobs: {
    zod: z.object({ n: z.number() }),
    valibot: v.object({ n: v.number() }),
    arktype: type({ n: 'number' }),
  },
})
type Mixed = JobOf<typeof mixed>

// refused: 'string' is not assignable to type 'number'
void mixed.add('zod', { n: 'one' })
// refused: 'string' is not assignable to type 'number'
void mixed.add('valibot', { n: 'one' })
// refused: 'string' is not assignable to type 'number'
void mixed.add('arktype', { n: 'one' })

// refused: Property 's' does not exist on type '{ n: number; }'
mixed.worker({ valibot: (job) => job.payload.s })
// refused: Property 's' does not exist on type '{ n: number; }'
mixed.worker({ arktype: (job) => job.payload.s })
// refused: '"other"' is not assignable to parameter of type 'TypeOf<
mixed.worker({}).registerHandler('other', () => {})

class Single extends QueueWorker<Mixed> {
  override process(job: Mixed): unknown {
    // refused: Property 's' does not exist on type '{ n: number; }'
    return job.payload.s
  }
}
// refused: Property 'queue' is missing
new Single({ concurrency: 5 })

class Batches extends BatchWorker<Mixed> {
  override processBatch(items: readonly BatchItem<Mixed>[]): unknown[] {
    // refused: Property 's' does not exist on type '{ n: number; }'
    return items.map(({ job }) => job.payload.s)
  }
}
// refused: 'concurrency' does not exist in type
new Batches({ queue: mixed, concurrency: 5 })
// refused: 'most' does not exist in type 'AdaptiveBatchOptions'
new Batches({ queue: mixed, batchSize: { most: 5 } })

class Sync extends ScheduledWorker {
  override executeTask(): void {}
}
// refused: Property 'backend' is missing
new Sync({ name: 'sync', every: '5m' })
// refused: '"maybe"' is not assignable to type 'Missed'
new Sync({ name: 'sync', backend, every: '5m', missed: 'maybe' })

const bus = new EventBus<{ 'pr.created': { id: number } }>()
// refused: '"pr.crated"' is not assignable to parameter of type '"pr.created"'
bus.subscribe('pr.crated', () => {})
// refused: 'string' is not assignable to type 'number'
void bus.publish('pr.created', { id: '7' })
