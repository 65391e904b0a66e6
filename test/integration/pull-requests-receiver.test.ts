import { once } from 'node:events'
import { connect } from 'node:net'
import { Webhooks } from '@octokit/webhooks'
import { openBackend, silentLogger } from 'millhand'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createQueues, type Queues } from '../../examples/pull-requests/queues.ts'
import { exampleDeliveries } from '../../examples/pull-requests/replay/examples.ts'
import { listen } from '../../examples/pull-requests/web/listen.ts'
import { receiver } from '../../examples/pull-requests/webhooks/receiver.ts'
import { Tally } from '../../examples/pull-requests/webhooks/tally.ts'

const SECRET = 'It is a secret to everybody'
const MB = 1024 * 1024
const webhooks = new Webhooks({ secret: SECRET })
const opened = exampleDeliveries().find(({ event }) => event === 'pull_request')!

let queues: Queues
let tally: Tally
let app: ReturnType<typeof receiver>

beforeEach(async () => {
  const backend = await openBackend('memory:')
  queues = createQueues(backend, silentLogger)
  tally = new Tally()
  app = receiver({ deliveries: queues.deliveries, secret: SECRET, tally, logger: silentLogger })
})
afterEach(async () => {
  vi.useRealTimers()
  await queues.deliveries.backend.close()
})

/** Posts a well-made delivery, but for what is given. A header of undefined is left out. */
async function post(
  body: string,
  headers: Record<string, string | undefined> = {},
): Promise<{ status: number; answer: { status?: string; id?: string; error?: string } }> {
  const all = {
    'x-github-event': 'pull_request',
    'x-github-delivery': opened.id,
    'x-hub-signature-256': await webhooks.sign(body === '' ? ' ' : body),
    ...headers,
  }
  const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const response = await app.request('/webhooks', { method: 'POST', body, headers: given })
  return { status: response.status, answer: (await response.json()) as object }
}

const stored = async () => (await queues.deliveries.stats()).counts.waiting

describe('a delivery that is in order', () => {
  test('is stored before it is answered, with nothing but what is used', async () => {
    expect(await post(opened.body)).toEqual({ status: 202, answer: { status: 'accepted', id: opened.id } })
    const job = await queues.deliveries.get(opened.id)
    expect(job).toMatchObject({ type: 'pull_request', state: 'waiting', payload: { action: 'opened' } })
    expect(JSON.stringify(job?.payload).length).toBeLessThan(opened.body.length / 20)
  })

  test('is a duplicate when it comes again, whatever its body is then', async () => {
    await post(opened.body)
    const again = await post(opened.body.replace('"action":"opened"', '"action":"closed"'))
    expect(again).toEqual({ status: 202, answer: { status: 'duplicate', id: opened.id } })
    expect((await queues.deliveries.get(opened.id))?.payload).toMatchObject({ action: 'opened' })
    expect(tally.counts).toEqual({ accepted: 1, ignored: 0, duplicate: 1, refused: 0 })
  })

  test('is a duplicate when it comes twice at the same time', async () => {
    const answers = await Promise.all([post(opened.body), post(opened.body)])
    expect(new Set(answers.map(({ answer }) => answer.status))).toEqual(new Set(['accepted', 'duplicate']))
    expect(await stored()).toBe(1)
  })

  test.each(['star', 'a_brand_new_event', '__proto__', 'constructor'])(
    'of the event %s is accepted and ignored',
    async (event) => {
      expect(await post('{}', { 'x-github-event': event })).toEqual({
        status: 202,
        answer: { status: 'ignored', id: opened.id },
      })
      expect(await stored()).toBe(0)
      expect(tally.counts.ignored).toBe(1)
    },
  )

  test('of a push is ignored when it moved a tag, and accepted when it moved a branch', async () => {
    const body = (ref: string) => JSON.stringify({ ref, repository: { id: 1, full_name: 'ada/engine' } })
    const push = { 'x-github-event': 'push' }
    expect((await post(body('refs/tags/v1'), push)).answer.status).toBe('ignored')
    expect((await post(body('refs/heads/main'), push)).answer.status).toBe('accepted')
  })
})

describe('a delivery that is not', () => {
  test.each([
    ['no signature', { 'x-hub-signature-256': undefined }, 401, /set a secret for the webhook/],
    ['a wrong signature', { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` }, 401, /WEBHOOK_SECRET/],
    ['a signature that is none', { 'x-hub-signature-256': 'yes' }, 401, /WEBHOOK_SECRET/],
    ['an empty signature', { 'x-hub-signature-256': '' }, 401, /X-Hub-Signature-256/],
    [
      'an old signature only',
      {
        'x-hub-signature-256': undefined,
        'x-hub-signature': 'sha1=7d38cdd689735b008b3c702edd92eea23791c5f6',
      },
      401,
      /SHA-1 signature alone is not trusted/,
    ],
    ['no event', { 'x-github-event': undefined }, 400, /X-GitHub-Event/],
    ['no delivery id', { 'x-github-delivery': undefined }, 400, /X-GitHub-Delivery/],
    ['a delivery id that is none', { 'x-github-delivery': 'a b' }, 400, /GUID/],
  ])('with %s is refused, with the way out', async (_, headers, status, reason) => {
    const refused = await post(opened.body, headers)
    expect(refused).toEqual({ status, answer: { error: expect.stringMatching(reason) as string } })
    expect(await stored()).toBe(0)
    expect(tally.counts.refused).toBe(1)
  })

  test('whose body was changed on the way is refused', async () => {
    const signature = await webhooks.sign(opened.body)
    const { status } = await post(opened.body.replace('Codertocat', 'Mallory'), {
      'x-hub-signature-256': signature,
    })
    expect(status).toBe(401)
  })

  test('without a body is refused', async () => {
    expect((await post('')).status).toBe(401)
  })

  test('signed with another secret is refused', async () => {
    const signature = await new Webhooks({ secret: 'last year’s' }).sign(opened.body)
    expect((await post(opened.body, { 'x-hub-signature-256': signature })).status).toBe(401)
  })

  test.each(['{"action":', 'payload=%7B%7D', 'null and void'])(
    'of broken JSON is refused: %s',
    async (body) => {
      expect(await post(body)).toEqual({
        status: 400,
        answer: { error: expect.stringContaining('application/json') as string },
      })
    },
  )

  test.each(['null', '[]', '{"action":"opened"}', '{"action":"opened","pull_request":{"id":"1"}}'])(
    'with the payload of something else is refused: %s',
    async (body) => {
      const { status, answer } = await post(body)
      expect(status).toBe(400)
      expect(answer.error).toContain('payload of a pull_request event')
    },
  )

  test('is answered with 503 when it cannot be stored, so that it is delivered again', async () => {
    await queues.deliveries.backend.close()
    const { status, answer } = await post(opened.body)
    expect(status).toBe(503)
    expect(answer.error).toContain('deliver it again')
  })

  test('is answered within 10 s even when the store never does', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const asked = Promise.withResolvers<void>()
    vi.spyOn(queues.deliveries, 'add').mockImplementation(() => {
      asked.resolve()
      return new Promise(() => {})
    })
    const answer = post(opened.body)
    await asked.promise
    await vi.advanceTimersByTimeAsync(9_500)
    expect((await answer).status).toBe(503)
  })
})

describe('a body of 30 MB', () => {
  const head = [
    'POST /webhooks HTTP/1.1',
    'Host: localhost',
    'X-GitHub-Event: push',
    'X-GitHub-Delivery: large',
    `X-Hub-Signature-256: sha256=${'0'.repeat(64)}`,
  ]

  test('is refused as soon as its length is known, before any of it has come', async () => {
    const { server } = await listen(app, '127.0.0.1', 0)
    const socket = connect((server.address() as { port: number }).port, '127.0.0.1')
    socket.write([...head, `Content-Length: ${30 * MB}`, '', ''].join('\r\n'))
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 413 /)
    socket.destroy()
    server.close()
  })

  test('whose length is not told is refused at the limit, and the rest is not read', async () => {
    let read = 0
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          read += MB
          controller.enqueue(new Uint8Array(MB))
          if (read >= 100 * MB) controller.close()
        },
      },
      { highWaterMark: 0 },
    )
    const headers = Object.fromEntries(head.slice(2).map((line) => line.split(': ') as [string, string]))
    const request = new Request('http://localhost/webhooks', {
      method: 'POST',
      body,
      headers,
      duplex: 'half',
    })
    const response = await app.request(request)
    expect(response.status).toBe(413)
    expect(read).toBeLessThanOrEqual(27 * MB)
  })

  test('without a signature is not even looked at', async () => {
    const body = new ReadableStream({ pull: (controller) => controller.error(new Error('it was read')) })
    const request = new Request('http://localhost/webhooks', { method: 'POST', body, duplex: 'half' })
    expect((await app.request(request)).status).toBe(401)
  })
})
