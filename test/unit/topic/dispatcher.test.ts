import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { InvalidPayloadError } from '../../../src/core/errors.ts'
import type { Delivery, Outcome } from '../../../src/topic/delivery.ts'
import type { Middleware } from '../../../src/topic/handler.ts'
import { Router } from '../../../src/topic/router.ts'
import { deliveryOf, messageOf } from './messages.ts'

const send = (router: Router<string>, topic: string, payload = '{}', delivery: Delivery = deliveryOf()) =>
  router.dispatcher().dispatch(messageOf(topic, payload), delivery)

/** A delivery that fails the test when anything of it is looked at. */
const untouched = new Proxy({} as Delivery, {
  get: (_, name) => {
    throw new Error(`${String(name)} of the delivery was read`)
  },
})

/** Notes its way in and out. */
const note =
  (name: string, seen: string[]): Middleware =>
  (_context, next) => {
    seen.push(`${name} in`)
    const result = next()
    seen.push(`${name} out`)
    return result
  }

describe('a message', () => {
  it('is handled synchronously, and nothing of its delivery is read, when its handler asks for nothing', () => {
    const router = new Router().on('a/{x}', () => {}).use((_context, next) => next())
    expect(send(router, 'a/1', '{}', untouched)).toEqual({ kind: 'handled' })
  })

  it('goes to the most specific handler, and on by next()', () => {
    const seen: string[] = []
    const router = new Router()
    router.on('#', ({ params }) => void seen.push(`# ${params.rest}`))
    router.on('a/{x}', ({ params }, next) => {
      seen.push(`{x} ${params.x}`)
      return next()
    })
    router.on('a/b', (_context, next) => {
      seen.push('a/b')
      return next()
    })
    expect(send(router, 'a/b')).toEqual({ kind: 'handled' })
    expect(seen.splice(0)).toEqual(['a/b', '{x} b', '# a/b'])
    void send(router, 'a/c')
    expect(seen).toEqual(['{x} c', '# a/c'])
  })

  it('that nobody takes is unroutable', () => {
    expect(
      send(
        new Router().on('a', () => {}),
        'b',
      ),
    ).toEqual({ kind: 'unroutable' })
  })

  it('that the broker kept is not wanted where none is', () => {
    const dispatcher = new Router()
      .on('a', () => {}, { shared: true })
      .on('b', () => {})
      .dispatcher()
    const kept = (topic: string): unknown =>
      dispatcher.dispatch(messageOf(topic, '1', { retain: true }), deliveryOf())
    expect(kept('a')).toEqual({ kind: 'unwanted' })
    expect(kept('b')).toEqual({ kind: 'handled' })
  })

  it('that came by an earlier version of the subscriptions is handled', () => {
    const dispatcher = new Router()
      .on('a/+/c', () => {})
      .on('a/b/+', () => {})
      .dispatcher()
    const [first, second] = dispatcher.subscriptions()
    const by = (...subscriptionIds: number[]): unknown =>
      (dispatcher.dispatch(messageOf('a/b/c', '1', { subscriptionIds }), deliveryOf()) as Outcome).kind
    expect([by(first!.id!), by(second!.id!)]).toEqual(['handled', 'unwanted'])
    expect(by(second!.id!, first!.id!)).toBe('handled')
    expect([by(), by(1), by(second!.id!, 1)]).toEqual(['handled', 'handled', 'handled'])
  })

  it('fails with what its handler throws, at once or later', async () => {
    const router = new Router()
    router.on('now', () => {
      throw new Error('at once')
    })
    router.on('later', async () => {
      throw 'a text'
    })
    const failed = { kind: 'failed', route: { filter: 'now' }, error: { message: 'at once' } }
    expect(send(router, 'now')).toMatchObject(failed)
    const { error } = (await send(router, 'later')) as { error: Error }
    expect(error).toBeInstanceOf(Error)
    expect(error.message).toContain('"a text"')
  })

  it('can be run again without being matched again', async () => {
    let attempts = 0
    const router = new Router().on('a', () => {
      if (++attempts < 2) throw new Error('not yet')
    })
    const message = messageOf('a')
    const endpoint = router.dispatcher().find(message)
    if (typeof endpoint === 'string') throw new Error(endpoint)
    expect(endpoint.run(message, deliveryOf())).toMatchObject({ kind: 'failed' })
    expect(endpoint.run(message, deliveryOf())).toEqual({ kind: 'handled' })
  })
})

describe('middleware', () => {
  it('surrounds handlers from the outermost router in, those of next() too, and each once', () => {
    const seen: string[] = []
    const router = new Router().use(note('router', seen))
    const group = router.group('a', {}).use(note('group', seen))
    group.on('b', (_context, next) => {
      seen.push('b')
      return next()
    })
    router.on('#', () => void seen.push('#'))
    router.include(
      new Router().use(note('other', seen)).on('a/{x}', (_context, next) => {
        seen.push('{x}')
        return next()
      }),
    )
    void send(router, 'a/b')
    expect(seen).toEqual([
      'router in',
      'group in',
      'b',
      'other in',
      '{x}',
      '#',
      'other out',
      'group out',
      'router out',
    ])
  })

  it('may wait, and ends the message where it does not go on', async () => {
    const handler = vi.fn()
    const router = new Router().on('a', handler)
    router.use(async (_context, next) => {
      await Promise.resolve()
      await next()
    })
    const outcome = send(router, 'a')
    expect(handler).not.toHaveBeenCalled()
    expect(await outcome).toEqual({ kind: 'handled' })
    expect(handler).toHaveBeenCalledOnce()
    const silent = new Router().on('a', handler).use(() => {})
    expect(send(silent, 'a')).toEqual({ kind: 'handled' })
    expect(handler).toHaveBeenCalledOnce()
  })

  it('that forgets to return next() does not end the message before its handler', async () => {
    const gate = Promise.withResolvers<void>()
    const router = new Router().on('a', () => gate.promise).use((_context, next) => void next())
    const outcome = send(router, 'a')
    gate.reject(new Error('after all'))
    expect(await outcome).toMatchObject({ kind: 'failed', error: { message: 'after all' } })
  })

  it('goes on once', () => {
    const router = new Router().on('a', () => {}).use((_context, next) => [next(), next()])
    expect(send(router, 'a')).toMatchObject({ kind: 'failed', error: { code: 'INVALID_STATE' } })
    const hidden = new Router().on('a', (...all: unknown[]) => (all[1] as () => void)())
    expect(send(hidden, 'a')).toMatchObject({
      error: { message: expect.stringContaining('second parameter') },
    })
  })
})

describe('a payload', () => {
  const schema = z.object({ celsius: z.number(), unit: z.string().default('C') })

  it('is what the schema gives back', () => {
    const handler = vi.fn()
    void send(
      new Router().on('a', ({ payload }) => handler(payload), { schema }),
      'a',
      '{"celsius":1}',
    )
    expect(handler).toHaveBeenCalledWith({ celsius: 1, unit: 'C' })
  })

  it('that cannot be decoded or does not match never reaches the handler, though it does not look at it', () => {
    const handler = vi.fn()
    const router = new Router().on('a', handler, { schema })
    const broken = send(router, 'a', '{"celsius":')
    expect(broken).toMatchObject({ kind: 'undecodable', route: { filter: 'a' } })
    expect((broken as { error: Error }).error.message).toContain('the payload of 11 bytes to "a" is not json')
    const wrong = send(router, 'a', '{"celsius":"warm"}') as { kind: string; error: InvalidPayloadError }
    expect(wrong.kind).toBe('undecodable')
    expect(wrong.error.issues).toMatchObject([{ path: 'celsius' }])
    expect(wrong.error.message).toContain(
      'the payload of a message to the route "a" does not match its schema',
    )
    expect(handler).not.toHaveBeenCalled()
  })

  it('is waited for where the schema takes time', async () => {
    const slow = z.number().refine(async (value) => value > 1)
    const handler = vi.fn()
    const router = new Router().on('a', ({ payload }) => handler(payload), { schema: slow })
    expect(await send(router, 'a', '2')).toEqual({ kind: 'handled' })
    expect(handler).toHaveBeenCalledWith(2)
    expect(await send(router, 'a', '1')).toMatchObject({ kind: 'undecodable' })
    expect(handler).toHaveBeenCalledOnce()
    router.use(({ payload }, next) => [payload, next()])
    expect(await send(router, 'a', '2')).toMatchObject({ kind: 'failed', error: { code: 'INVALID_STATE' } })
  })

  it('that the handler itself refuses has failed, and is not undecodable', () => {
    const router = new Router().on('a', () => {
      throw new InvalidPayloadError('no')
    })
    expect(send(router, 'a')).toMatchObject({ kind: 'failed' })
  })

  it('is decoded once, and not at all where a middleware ends the message', () => {
    const decode = vi.fn(() => 1)
    const codec = { name: 'own', contentTypes: [], decode, encode: () => '' }
    const router = new Router().on('a', ({ payload }) => payload, { codec })
    router.use((context, next) => [context.payload, next()][1])
    void send(router, 'a')
    expect(decode).toHaveBeenCalledOnce()
    void send(
      new Router().on('a', () => {}, { codec }).use(() => {}),
      'a',
      '{',
    )
    expect(decode).toHaveBeenCalledOnce()
  })
})

describe('a handler', () => {
  it('publishes values, replies to requests, and acknowledges', async () => {
    const delivery = deliveryOf()
    const router = new Router().on('ask/{x}', async ({ params, publish, reply, ack, signal }) => {
      ack()
      await publish('all/x', { x: params.x }, { qos: 0, retain: true })
      await publish('text', 'as it is')
      await reply(new Uint8Array([1, 2]))
      expect(signal).toBe(delivery.signal)
    })
    const properties = { responseTopic: 'answers', correlationData: new Uint8Array([7]) }
    const outcome = await router.dispatcher().dispatch(messageOf('ask/1', '{}', { properties }), delivery)
    expect(outcome).toEqual({ kind: 'handled' })
    expect(delivery.acks).toBe(1)
    expect(delivery.published).toEqual([
      {
        topic: 'all/x',
        payload: '{"x":"1"}',
        options: { qos: 0, retain: true, contentType: 'application/json' },
      },
      { topic: 'text', payload: 'as it is', options: { contentType: 'text/plain' } },
      {
        topic: 'answers',
        payload: new Uint8Array([1, 2]),
        options: { correlationData: new Uint8Array([7]), contentType: 'application/octet-stream' },
      },
    ])
    expect(await send(router, 'ask/1')).toMatchObject({
      kind: 'failed',
      error: { message: 'expected the message to "ask/1" to be a request: it names no responseTopic' },
    })
  })

  it('may be a queue: a message is handled when its job is stored', async () => {
    const jobs: unknown[] = []
    const stored = Promise.withResolvers<void>()
    const queue = {
      name: 'orders',
      add: (type: string, payload: unknown, options?: object) => {
        jobs.push([type, payload, options])
        return stored.promise
      },
    }
    const options = ({ topic }: { topic: string }) => ({ id: topic })
    const router = new Router().on('orders/{id}', { to: { queue, type: 'placed', options }, shared: true })
    expect(router.routes()).toMatchObject([{ shared: true, to: { type: 'placed' } }])
    const outcome = send(router, 'orders/1', '{"n":1}')
    expect(jobs).toEqual([['placed', { n: 1 }, { id: 'orders/1' }]])
    stored.reject(new Error('store gone'))
    expect(await outcome).toMatchObject({ kind: 'failed', error: { message: 'store gone' } })
  })
})
