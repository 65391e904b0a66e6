import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { explained } from '../../../src/backends/redis/failure.ts'
import { fromUrl, redis } from '../../../src/backends/redis/index.ts'
import { stored, unstored } from '../../../src/backends/redis/text.ts'

describe('a payload', () => {
  test('comes back as it was, lone surrogates too, in as many bytes as UTF-8 would take', () => {
    const text = fc.string({
      unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
    })
    fc.assert(
      fc.property(text, (payload) => {
        const { kind, bytes } = stored(payload)
        expect(bytes.byteLength).toBe(Buffer.byteLength(payload))
        expect(unstored(kind, Buffer.from(bytes))).toBe(payload)
      }),
    )
  })
})

describe('a URL', () => {
  test('carries every option to those who open the same store', () => {
    const options = {
      prefix: 'jobs',
      hashTag: 'store',
      allowEviction: true,
      maxPayloadBytes: 5_000_000,
    } as const
    const { capabilities } = redis('redis://ada:secret@cache:7000/3', { ...options, commandTimeout: '2s' })
    expect(fromUrl(capabilities.url ?? '').capabilities).toEqual(capabilities)
    expect(capabilities.url).toContain('ada:secret@cache:7000/3')
  })

  test.each(['redis://ada:hunter2@cache/x', 'http://ada:hunter2@cache', '//ada:hunter2@cache', 'hunter2'])(
    'that cannot be is refused without a word of it: %s',
    (url) => {
      const refused = (): unknown => redis(url)
      expect(refused).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }) as Error)
      expect(refused).not.toThrow(/hunter2/)
    },
  )

  test('a client is no URL for others', () => {
    const client = { callBuffer() {}, duplicate() {}, disconnect() {}, status: 'wait', isCluster: false }
    expect(redis(client).capabilities.url).toBeNull()
    expect(() => redis({} as never)).toThrow(/a redis: URL or a client/)
    expect(() => redis(client, { prefix: '{a}' })).toThrow(/without braces/)
  })
})

test.each([
  ['LOADING Redis is loading the dataset in memory', 'BACKEND_UNAVAILABLE', true],
  ['READONLY You can’t write against a read only replica.', 'BACKEND_UNAVAILABLE', true],
  ['CLUSTERDOWN Hash slot not served', 'BACKEND_UNAVAILABLE', true],
  ['connect ECONNREFUSED 127.0.0.1:6379', 'BACKEND_UNAVAILABLE', true],
  ['WRONGPASS invalid username-password pair', 'BACKEND_UNAVAILABLE', false],
  ['WRONGTYPE Operation against a key holding the wrong kind of value', 'BACKEND_FOREIGN', false],
  ['ERR user_script:3: MILLHAND_NEWER', 'BACKEND_NEWER', false],
])('%s is %s, retryable: %s', (message, code, retryable) => {
  const thrown = Object.assign(new Error(message), { command: { args: ['hunter2'] } })
  const { error } = explained(thrown, 'redis at cache:6379/0')
  expect(error).toMatchObject({ code, retryable })
  expect(error.cause === undefined || !('command' in (error.cause as object))).toBe(true)
})
