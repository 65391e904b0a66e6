import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Logger } from '../../../src/core/logger.ts'
import { conflate } from '../../../src/topic/middleware/conflate.ts'
import { dedupe, type DedupeOptions } from '../../../src/topic/middleware/dedupe.ts'
import { log } from '../../../src/topic/middleware/log.ts'
import { RecentSequences } from '../../../src/topic/middleware/recent.ts'
import { trace, type SpanStart } from '../../../src/topic/middleware/trace.ts'
import { validate } from '../../../src/topic/middleware/validate.ts'
import { Router } from '../../../src/topic/router.ts'
import type { TopicContext } from '../../../src/topic/topic-context.ts'
import { deliveryOf, messageOf } from './messages.ts'

interface Step {
  readonly payload: unknown
  readonly done: PromiseWithResolvers<void>
}

/** A route whose handler ends when the test says so. */
function stepped(router: Router): {
  steps: Step[]
  send: (topic: string, payload: unknown, id?: string) => unknown
} {
  const steps: Step[] = []
  router.on('#', ({ payload }) => {
    const done = Promise.withResolvers<void>()
    steps.push({ payload, done })
    return done.promise
  })
  const dispatcher = router.dispatcher()
  const send = (topic: string, payload: unknown, id?: string): unknown => {
    const properties = id === undefined ? {} : { userProperties: { 'message-id': id } }
    return dispatcher.dispatch(messageOf(topic, JSON.stringify(payload), { properties }), deliveryOf())
  }
  return { steps, send }
}

describe('dedupe', () => {
  const synchronous = (options: DedupeOptions) => {
    const handled: unknown[] = []
    const step = dedupe(options)
    const router = new Router().use(step).on('#', ({ payload }) => {
      handled.push(payload)
      if (payload === 'fails') throw new Error('failed')
    })
    const dispatcher = router.dispatcher()
    const send = (topic: string, payload: unknown, userProperties = {}): unknown =>
      dispatcher.dispatch(
        messageOf(topic, JSON.stringify(payload), { properties: { userProperties } }),
        deliveryOf(),
      )
    return { handled, step, send }
  }

  it('drops what has the message-id of one of its topic that was handled', () => {
    const { send, handled, step } = synchronous({})
    void send('a', 1, { 'message-id': 'x' })
    expect(send('a', 2, { 'message-id': 'x' })).toEqual({ kind: 'handled' })
    void send('b', 3, { 'message-id': 'x' })
    void send('a', 4)
    expect(handled).toEqual([1, 3, 4])
    expect(step.stats).toEqual({ passed: 2, dropped: 1, unknown: 1 })
  })

  it('lets what failed come again', () => {
    const { send, handled } = synchronous({ id: () => 'same' })
    expect(send('a', 'fails')).toMatchObject({ kind: 'failed' })
    void send('a', 'again')
    void send('a', 'once more')
    expect(handled).toEqual(['fails', 'again'])
  })

  it('forgets the oldest id', () => {
    const { send, handled } = synchronous({ id: ({ payload }) => String(payload), capacity: 2 })
    for (const payload of [1, 2, 1, 3, 1]) void send('a', payload)
    expect(handled).toEqual([1, 2, 3, 1])
  })

  it('lets a copy wait for the end of the first, and runs it when that failed', async () => {
    const { steps, send } = stepped(new Router().use(dedupe()))
    const first = send('a', 1, 'x')
    const copies = [send('a', 2, 'x'), send('a', 3, 'x')]
    expect(steps).toHaveLength(1)
    steps[0]!.done.reject(new Error('failed'))
    expect(await first).toMatchObject({ kind: 'failed' })
    await expect.poll(() => steps.length).toBe(2)
    steps[1]!.done.resolve()
    expect(await Promise.all(copies)).toEqual([{ kind: 'handled' }, { kind: 'handled' }])
    expect(steps.map(({ payload }) => payload)).toEqual([1, 2])
  })

  it('knows sequence numbers of a key, late ones and a sender that began anew', () => {
    const sequence = ({ payload }: TopicContext): number | undefined => (payload as { n?: number }).n
    const { send, handled, step } = synchronous({ sequence, reach: 8 })
    for (const n of [1, 2, 4, 3, 4, 100, 1, 2, 2]) void send('a', { n })
    void send('b', { n: 1 })
    void send('a', {})
    expect(handled.map((each) => (each as { n?: number }).n)).toEqual([1, 2, 4, 3, 100, 1, 2, 1, undefined])
    expect(step.stats).toEqual({ passed: 8, dropped: 2, unknown: 1 })
  })

  it('remembers no more than its reach and capacity', () => {
    const recent = new RecentSequences(2, 4)
    for (let n = 0; n < 100; n++) recent.add('a', n)
    expect(Array.from({ length: 100 }, (_, n) => n).filter((n) => recent.has('a', n))).toEqual([
      96, 97, 98, 99,
    ])
    recent.add('b', 1)
    recent.add('c', 1)
    expect(recent.has('a', 99)).toBe(false)
  })
})

describe('conflate', () => {
  it('handles the last value of a key that waited, and is done with the others at once', async () => {
    const step = conflate()
    const { steps, send } = stepped(new Router().use(step))
    const outcomes = [1, 2, 3, 4].map((value) => send('a', value))
    void send('b', 'other')
    expect(steps.map(({ payload }) => payload)).toEqual([1, 'other'])
    expect(await Promise.all(outcomes.slice(1, 3))).toEqual([{ kind: 'handled' }, { kind: 'handled' }])
    expect(step.stats).toEqual({ passed: 2, conflated: 2 })
    steps[0]!.done.reject(new Error('failed'))
    expect(await outcomes[0]).toMatchObject({ kind: 'failed' })
    await expect.poll(() => steps.length).toBe(3)
    expect(steps[2]!.payload).toBe(4)
    const later = send('a', 5)
    steps[2]!.done.resolve()
    expect(await outcomes[3]).toEqual({ kind: 'handled' })
    await expect.poll(() => steps.length).toBe(4)
    steps[3]!.done.resolve()
    expect(await later).toEqual({ kind: 'handled' })
    void send('a', 6)
    expect(steps.at(-1)!.payload).toBe(6)
  })

  it('lets everything pass where handlers are synchronous', () => {
    const seen: unknown[] = []
    const dispatcher = new Router()
      .use(conflate())
      .on('a', ({ payload }) => void seen.push(payload))
      .dispatcher()
    for (const value of [1, 2, 3])
      expect(dispatcher.dispatch(messageOf('a', `${value}`), deliveryOf())).toEqual({ kind: 'handled' })
    expect(seen).toEqual([1, 2, 3])
  })
})

describe('validate', () => {
  it.each([
    ['synchronous', z.object({ v: z.number().default(7) })],
    ['asynchronous', z.object({ v: z.number().default(7) }).refine(async () => true)],
  ])('puts what a schema gives back in the place of the payload: %s', async (_name, schema) => {
    const seen: unknown[] = []
    const dispatcher = new Router()
      .use(validate(schema))
      .on('a', ({ payload }) => void seen.push(payload))
      .dispatcher()
    await dispatcher.dispatch(messageOf('a', '{}'), deliveryOf())
    expect(seen).toEqual([{ v: 7 }])
    expect(await dispatcher.dispatch(messageOf('a', '{"v":"x"}'), deliveryOf())).toMatchObject({
      kind: 'undecodable',
    })
    expect(seen).toHaveLength(1)
  })
})

describe('log', () => {
  it('tells what was handled and what failed', async () => {
    const lines: unknown[] = []
    const write = (level: string) => (fields: object, text: string) => void lines.push([level, text, fields])
    const logger: Logger = {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      child: () => logger,
    }
    const router = new Router().use(log({ logger, level: 'info' }))
    router.on('good', async () => {})
    router.on('bad/{x}', () => {
      throw new Error('no')
    })
    const dispatcher = router.dispatcher()
    await dispatcher.dispatch(messageOf('good', '123'), deliveryOf())
    expect(dispatcher.dispatch(messageOf('bad/1'), deliveryOf())).toMatchObject({ kind: 'failed' })
    expect(lines).toEqual([
      ['info', 'message handled', { topic: 'good', route: 'good', bytes: 3, durationMs: expect.any(Number) }],
      [
        'warn',
        'message failed',
        expect.objectContaining({ topic: 'bad/1', route: 'bad/{x}', error: new Error('no') }),
      ],
    ])
  })
})

describe('trace', () => {
  it('surrounds the handling by a span that continues the trace of the sender', async () => {
    const spans: unknown[] = []
    const router = new Router().use(
      trace((start: SpanStart) => {
        spans.push([start.name, start.traceparent, start.attributes['messaging.destination.name']])
        return { run: (work) => work(), end: (error) => void spans.push(error?.message) }
      }),
    )
    router.on('a/{x}', async ({ payload }) => {
      if (payload === 2) throw new Error('no')
    })
    const dispatcher = router.dispatcher()
    const properties = { userProperties: { traceparent: '00-1-2-01' } }
    await dispatcher.dispatch(messageOf('a/1', '1', { properties }), deliveryOf())
    await dispatcher.dispatch(messageOf('a/1', '2'), deliveryOf())
    expect(spans).toEqual([
      ['process a/{x}', '00-1-2-01', 'a/1'],
      undefined,
      ['process a/{x}', undefined, 'a/1'],
      'no',
    ])
  })
})
