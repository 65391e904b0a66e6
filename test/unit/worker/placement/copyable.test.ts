import { once } from 'node:events'
import { createServer, Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { InvalidOptionError } from '../../../../src/core/errors.ts'
import { checkCopyable } from '../../../../src/worker/placement/copyable.ts'

// One that listens: before that it is mere data to Node 22.
const server = createServer()
beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
})
afterAll(() => {
  server.close()
})

describe.each(['thread', 'process'] as const)('options for a %s', (placement) => {
  const check = (values: object): void => checkCopyable(values, placement, 'mail')

  test('are fine when they are data', () => {
    check({})
    check({ a: 1, b: [new Date(), new Map(), new Set(), 1n, undefined, null], c: new Uint8Array(3), d: /x/ })
  })

  test.each([
    ['a function', () => {}],
    ['a function deep inside', { a: [{ call: () => {} }] }],
    ['a symbol', Symbol('s')],
    ['a socket', new Socket()],
    ['a server', server],
    ['a URL', new URL('http://example.org')],
    ['a promise', Promise.resolve()],
    ['a weak map', new WeakMap()],
  ])('name what cannot cross: %s', (_what, value) => {
    expect(() => check({ fine: 1, broken: value, alsoFine: 2 })).toThrow(InvalidOptionError)
    expect(() => check({ fine: 1, broken: value })).toThrow(
      `expected broken of worker mail to be data that can be copied into a ${placement} (no functions, sockets or ` +
        'other handles; structured clone says: ',
    )
    expect(() => check({ broken: value })).toThrow('open what it needs in setup()')
  })
})

test('shared memory reaches a thread, and no process', () => {
  const values = { memory: new SharedArrayBuffer(8) }
  checkCopyable(values, 'thread', 'mail')
  expect(() => checkCopyable(values, 'process', 'mail')).toThrow('expected memory of worker mail')
})
