import { type } from 'arktype'
import { Queue, type AddedJob, type AddResult, type StoredJob } from 'millhand'
import { memory } from 'millhand/memory'
import { sqlite } from 'millhand/sqlite'
import * as v from 'valibot'
import { z } from 'zod'
import { expectType, type Equal } from '../expect.ts'

const mail = new Queue('mail', {
  backend: sqlite('jobs.db'),
  jobs: { welcome: z.object({ to: z.email() }), digest: z.object({ userId: z.string() }) },
})

const added = mail.add('welcome', { to: 'ada@example.org' }, { priority: 5, delay: '10s' })
expectType<Equal<typeof added, Promise<AddedJob>>>()

const many = mail.addMany([
  { type: 'welcome', payload: { to: 'ada@example.org' } },
  { type: 'digest', payload: { userId: 'ada' }, options: { id: 'digest-ada' } },
])
expectType<Equal<typeof many, Promise<AddResult[]>>>()

const found = mail.get('some-id')
expectType<Equal<typeof found, Promise<StoredJob | undefined>>>()

// Every library that speaks Standard Schema fits, also side by side.
const mixed = new Queue('mixed', {
  backend: memory(),
  jobs: {
    zod: z.object({ n: z.number() }),
    valibot: v.object({ n: v.number() }),
    arktype: type({ n: 'number' }),
    // A schema that transforms: what is added is its input.
    transformed: z.string().transform((text) => text.length),
  },
})
void mixed.add('zod', { n: 1 })
void mixed.add('valibot', { n: 1 })
void mixed.add('arktype', { n: 1 })
void mixed.add('transformed', 'text')

// Without schemas a queue takes any type with any payload.
const open = new Queue('open', { backend: memory() })
void open.add('anything', { at: 'all' })

// A handler gets what the schema makes of the payload.
const worker = mixed.worker(
  {
    zod: (job, { signal, progress }) => {
      expectType<Equal<typeof job.payload, { n: number }>>()
      expectType<Equal<typeof job.type, 'zod'>>()
      expectType<Equal<typeof signal, AbortSignal>>()
      progress({ done: 1 })
    },
    transformed: async (job, { followUp, snooze }) => {
      expectType<Equal<typeof job.payload, number>>()
      await followUp(mail, 'digest', { userId: 'ada' })
      return snooze('10m')
    },
  },
  { concurrency: 20, timeout: '1m' },
)
worker.registerHandler('valibot', (job) => {
  expectType<Equal<typeof job.payload.n, number>>()
})
