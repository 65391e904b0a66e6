import { type } from 'arktype'
import {
  BatchWorker,
  EventBus,
  EventWorker,
  ProcessorChain,
  Queue,
  QueueWorker,
  ScheduledWorker,
  type BatchItem,
  type BatchResult,
  type JobContext,
  type JobOf,
} from 'millhand'
import { memory } from 'millhand/memory'
import * as v from 'valibot'
import { z } from 'zod'
import { expectType, type Equal } from '../expect.ts'

/** What goes in, and what a handler sees of it: a default and a transform in each library. */
const backend = memory()
const zod = new Queue('zod', {
  backend,
  jobs: { one: z.object({ n: z.number().default(1), s: z.string().transform((text) => text.length) }) },
})
const valibot = new Queue('valibot', {
  backend,
  jobs: {
    one: v.object({
      n: v.optional(v.number(), 1),
      s: v.pipe(
        v.string(),
        v.transform((text) => text.length),
      ),
    }),
  },
})
const arktype = new Queue('arktype', {
  backend,
  jobs: { one: type({ n: 'number = 1', s: type('string').pipe((text) => text.length) }) },
})

void zod.add('one', { s: 'text' })
void valibot.add('one', { s: 'text' })
void arktype.add('one', { s: 'text' })
void zod.addMany([{ type: 'one', payload: { s: 'text', n: 2 } }])

interface Seen {
  n: number
  s: number
}
expectType<Equal<JobOf<typeof zod>['payload'], Seen>>()
expectType<Equal<JobOf<typeof valibot>['payload'], Seen>>()
expectType<Equal<JobOf<typeof arktype>['payload'], Seen>>()

zod.worker({ one: ({ payload }) => expectType<Equal<typeof payload, Seen>>() })
valibot.worker({ one: ({ payload }) => expectType<Equal<typeof payload, Seen>>() })
arktype.worker({ one: ({ payload }) => expectType<Equal<typeof payload, Seen>>() })

// A job of any type of a queue: its `type` tells which payload it has.
const mixed = new Queue('mixed', {
  backend,
  jobs: {
    count: z.object({ n: z.number() }),
    name: v.object({ s: v.string() }),
    both: type({ n: 'number' }),
  },
})
type Mixed = JobOf<typeof mixed>

class Single extends QueueWorker<Mixed> {
  override process(job: Mixed, context: JobContext): unknown {
    expectType<Equal<typeof context.signal, AbortSignal>>()
    if (job.type === 'name') {
      expectType<Equal<typeof job.payload, { s: string }>>()
      return job.payload.s
    }
    expectType<Equal<typeof job.payload.n, number>>()
    return context.snooze('1s')
  }
}
export const single = new Single({ queue: mixed, concurrency: 20, timeout: 'none', lease: '10s' })

class Batches extends BatchWorker<Mixed> {
  override types(): readonly string[] {
    return ['count', 'both']
  }

  override async processBatch(items: readonly BatchItem<Mixed>[]): Promise<BatchResult[]> {
    return items.map(({ job, context }) => {
      expectType<Equal<typeof job.type, 'count' | 'name' | 'both'>>()
      void context.followUp(zod, 'one', { s: 'text' })
      return job.type === 'name' ? new Error('not ours') : job.payload.n
    })
  }

  protected override handleBatchResults(
    items: readonly BatchItem<Mixed>[],
    results: readonly BatchResult[],
  ): void {
    expectType<Equal<typeof items, readonly BatchItem<Mixed>[]>>()
    expectType<Equal<(typeof results)[number], unknown>>()
  }
}
export const batches = new Batches({
  queue: mixed,
  batchSize: { start: 10, min: 5, max: 50, slow: '5s' },
  maxWait: '2s',
})

// A registered handler knows its payload too, and a worker knows what it was registered for.
const events = new EventWorker({ queue: mixed })
events.registerHandler('both', ({ payload }) => expectType<Equal<typeof payload, { n: number }>>())

// Options of one's own beside those of the schedule.
class Sync extends ScheduledWorker {
  override async executeTask(tick: Date, { signal }: JobContext): Promise<void> {
    expectType<Equal<typeof tick, Date>>()
    await fetch('https://example.org', { signal })
  }
}
export const sync = new Sync({
  name: 'sync',
  backend,
  cron: '0 3 * * *',
  timeZone: 'Europe/Berlin',
  missed: 'one',
})

const chain = new ProcessorChain<{ n: number }>((job) => job.payload.n > 1).use(async () => true)
mixed.worker({ count: chain.handler })

const bus = new EventBus<{ 'pr.created': { id: number }; drained: void }>()
bus.subscribe('pr.created', ({ id }) => {
  expectType<Equal<typeof id, number>>()
  return mixed.add('count', { n: id })
})
void bus.publish('drained')
