import { afterEach, describe, expect, test } from 'vitest'
import { ECHO_MS } from '../../src/server/signals.ts'
import { endAll, run } from '../fixtures/server/running.ts'

afterEach(endAll)

const echoOver = () => new Promise((resolve) => setTimeout(resolve, ECHO_MS + 50))

describe('a process that runs a server for ever', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'drains at %s, last worker first, exits 0 and takes its handlers away',
    async (signal) => {
      const server = run('drains')
      await server.printed('up second')
      server.child.kill(signal)
      expect(await server.closed).toEqual({ code: 0, signal: null })
      expect(server.out()).toBe(
        'up first\nup second\ndrained second\ndrained first\nresolved 0, exit code 0, handlers left 0\n',
      )
    },
  )

  test('takes the copy of a signal that npm passes on for the same request', async () => {
    const server = run('drains', 'echo')
    await server.printed('up second')
    server.child.kill('SIGINT')
    expect(await server.closed).toEqual({ code: 0, signal: null })
  })

  test('kills what does not stop at a second signal, and exits 1', async () => {
    const server = run('ignores-stop')
    await server.printed('up')
    server.child.kill('SIGTERM')
    await server.printed('asked')
    await echoOver()
    server.child.kill('SIGTERM')
    expect(await server.closed).toEqual({ code: 1, signal: null })
    expect(server.out()).toBe('up\nasked\nkilled signal\n')
  })

  test('takes another signal as a second one at once', async () => {
    const server = run('ignores-stop')
    await server.printed('up')
    server.child.kill('SIGTERM')
    await server.printed('asked')
    server.child.kill('SIGINT')
    expect(await server.closed).toEqual({ code: 1, signal: null })
    expect(server.out()).toContain('killed signal')
  })

  test('kills what has not stopped at the deadline, says who and how to mend it, and exits 1', async () => {
    const server = run('ignores-stop', '100ms')
    await server.printed('up')
    server.child.kill('SIGTERM')
    expect(await server.closed).toEqual({ code: 1, signal: null })
    expect(server.out()).toBe('up\nasked\nkilled deadline\n')
    expect(server.log()).toContain('worker stubborn did not stop within 100ms')
    expect(server.log()).toContain('Look at this.isRunning in every loop')
  })

  test('stays alive for a worker that waits for nothing but its signal', async () => {
    const server = run('only-waits')
    await server.printed('up')
    server.child.kill('SIGTERM')
    expect(await server.closed).toEqual({ code: 0, signal: null })
    expect(server.out()).toBe('up\nasked\nresolved 0\n')
  })

  test('ends by itself with 0 when every worker has ended', async () => {
    const server = run('ends-by-itself')
    expect(await server.closed).toEqual({ code: 0, signal: null })
    expect(server.out()).toContain('resolved 0')
  })

  test('ends with 1 when a worker failed, after the others have ended', async () => {
    const server = run('ends-by-itself', 'first')
    expect(await server.closed).toEqual({ code: 1, signal: null })
    expect(server.out()).toBe('done second\nresolved 1\n')
    expect(server.log()).toContain('first broke')
  })

  test.each([
    ['exception', 'thrown in a timer'],
    ['rejection', 'dropped'],
  ])(
    'ends with 1 at an uncaught %s, after the workers could save, knowing whose it was',
    async (kind, message) => {
      const server = run('throws-outside', kind)
      expect(await server.closed).toEqual({ code: 1, signal: null })
      expect(server.out()).toBe(`up\nkilled uncaught ${message}, by culprit\nsaved\n`)
      expect(server.log()).toContain('an exception that nobody caught')
    },
  )

  test('can be stopped while a worker is still being set up', async () => {
    const server = run('slow-start')
    await server.printed('up')
    server.child.kill('SIGTERM')
    expect(await server.closed).toEqual({ code: 0, signal: null })
    expect(server.out()).toBe('up\nslow torn down\nfirst torn down\nresolved 0\n')
  })
})
