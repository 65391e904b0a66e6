import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { memory } from '../../../src/backends/memory/index.ts'
import { InvalidOptionError, InvalidPayloadError } from '../../../src/core/errors.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { Queue } from '../../../src/queue/queue.ts'
import type { JobSchemas } from '../../../src/queue/schema.ts'

/** The same two jobs in each library: a count that is doubled, with a default, and a nested list. */
const libraries: Record<string, JobSchemas> = {
  zod: {
    welcome: z.object({
      to: z.array(z.object({ mail: z.string().min(3) })),
      times: z
        .number()
        .default(2)
        .transform((times) => times * 2),
    }),
    checked: z.object({ name: z.string().refine((name) => Promise.resolve(name !== 'eve'), 'not her') }),
  },
  valibot: {
    welcome: v.object({
      to: v.array(v.object({ mail: v.pipe(v.string(), v.minLength(3)) })),
      times: v.pipe(
        v.optional(v.number(), 2),
        v.transform((times) => times * 2),
      ),
    }),
    checked: v.objectAsync({
      name: v.pipeAsync(
        v.string(),
        v.checkAsync((name) => Promise.resolve(name !== 'eve'), 'not her'),
      ),
    }),
  },
  arktype: {
    welcome: type({ to: type({ mail: 'string >= 3' }).array(), times: 'number = 2' }).pipe((payload) => ({
      ...payload,
      times: payload.times * 2,
    })),
    // It has no asynchronous checks.
    checked: type({
      name: type.string.narrow((name, context) => name !== 'eve' || context.mustBe('not her')),
    }),
  },
}

describe.each(Object.entries(libraries))('a queue typed by %s', (_, jobs) => {
  const open = (): Queue => new Queue('mail', { backend: memory(), jobs })

  it('stores the input, and gives the handler the output: defaults and transforms are applied once', async () => {
    const queue = open()
    const seen: unknown[] = []
    const worker = queue.worker({ welcome: (job) => void seen.push(job.payload) }, { logger: silentLogger })
    const { id } = await queue.add('welcome', { to: [{ mail: 'a@b' }] })
    expect((await queue.get(id))?.payload).toEqual({ to: [{ mail: 'a@b' }] })
    await queue.add('welcome', { to: [], times: 5 })
    expect(await worker.drainOnce()).toEqual({ processed: 2, failed: 0, timedOut: false })
    expect(seen).toEqual([
      { to: [{ mail: 'a@b' }], times: 4 },
      { to: [], times: 10 },
    ])
  })

  it('refuses a payload that does not match, with the path and the reason', async () => {
    const queue = open()
    const error = await queue
      .add('welcome', { to: [{ mail: 'a@b' }, { mail: 7 }] })
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(InvalidPayloadError)
    const { issues, message } = error as InvalidPayloadError
    expect(issues.map(({ path }) => path)).toEqual(['to[1].mail'])
    expect(message).toMatch(/"welcome" job does not match its schema: to\[1\]\.mail: .*(string|7)/)
    await expect(queue.add('welcome', 'text')).rejects.toThrow(InvalidPayloadError)
    expect((await queue.stats()).counts.waiting).toBe(0)
  })

  it('waits for checks that take their time', async () => {
    const queue = open()
    await expect(queue.add('checked', { name: 'eve' })).rejects.toThrow(/name: .*not her/)
    const seen: unknown[] = []
    await queue.add('checked', { name: 'ada' })
    const worker = queue.worker({ checked: (job) => void seen.push(job.payload) }, { logger: silentLogger })
    await worker.drainOnce()
    expect(seen).toEqual([{ name: 'ada' }])
  })

  it('knows its job types, and guesses what was meant', async () => {
    await expect(open().add('welcom', {})).rejects.toThrow(
      'unknown job type "welcom"; did you mean "welcome"?',
    )
    await expect(open().add('constructor', {})).rejects.toThrow(InvalidOptionError)
  })
})

describe('a schema', () => {
  it('that throws refuses the payload, alone and among others', async () => {
    const broken = z.string().transform((): string => {
      throw new Error('a bug in the schema')
    })
    const queue = new Queue('mail', { backend: memory(), jobs: { broken, fine: z.string() } })
    await expect(queue.add('broken', 'x')).rejects.toThrow(
      'the schema of "broken" jobs threw: a bug in the schema',
    )
    const answers = await queue.addMany([
      { type: 'broken', payload: 'x' },
      { type: 'fine', payload: 'y' },
    ])
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'added'])
  })

  it('must be one: anything else is refused when the queue is made', () => {
    const jobs = { welcome: { parse: () => 1 } } as unknown as JobSchemas
    expect(() => new Queue('mail', { backend: memory(), jobs })).toThrow(
      'jobs to be an object of Standard Schemas',
    )
  })
})
