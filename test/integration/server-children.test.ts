/** Servers with children and real signals: were one of these wrong, a deploy would lose work or leave orphans. */
import { afterEach, describe, expect, test } from 'vitest'
import { ECHO_MS } from '../../src/server/signals.ts'
import type { Setting } from '../fixtures/server/minds.ts'
import { endAll, isRunning, run, type Running } from '../fixtures/server/running.ts'
import { until } from '../fixtures/until.ts'

afterEach(endAll)

/** Resolves when the server is ready. */
async function minds(setting: Setting): Promise<Running> {
  const server = run('minds', JSON.stringify(setting))
  await server.printed('server ready')
  return server
}

/** The process of the worker in its so many-th life. */
async function pidOf(server: Running, name: string, life = 0): Promise<number> {
  const [, pid] = await server.printed(new RegExp(`up ${name} (\\d+) \\d+ ${life}\\.`))
  return Number(pid)
}

const echoOver = () => new Promise((resolve) => setTimeout(resolve, ECHO_MS + 50))

describe('a server with workers in threads and processes', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('at %s drains them in reverse and exits 0', async (signal) => {
    const server = await minds({ workers: { a: { in: 'process' }, b: { in: 'thread' } } })
    const pid = await pidOf(server, 'a')
    await pidOf(server, 'b')
    server.child.kill(signal)
    expect(await server.closed).toEqual({ code: 0, signal: null })
    const steps = server.out().match(/(asked|drained|resolved) \w+/g)
    expect(steps).toEqual(['asked b', 'drained b', 'asked a', 'drained a', 'resolved 0'])
    expect(server.out()).toContain('server stopping, live true, ready false')
    expect(await isRunning(pid)).toBe(false)
  })

  test('at a Ctrl-C that the whole group gets drains them all the same', async () => {
    const server = await minds({
      workers: { a: { in: 'process' }, b: { in: 'process' }, c: { in: 'thread' } },
    })
    await Promise.all(['a', 'b', 'c'].map((name) => pidOf(server, name)))
    process.kill(-server.pid, 'SIGINT')
    expect(await server.closed).toEqual({ code: 0, signal: null })
    const steps = server.out().match(/drained \w+/g)
    expect(steps).toEqual(['drained c', 'drained b', 'drained a'])
    expect(server.out()).not.toContain('restart')
  })

  test('at a second signal kills those that do not hear, and exits 1', async () => {
    const workers = { a: { in: 'process', plan: 'deaf' }, b: { in: 'thread', plan: 'deaf' } } as const
    const server = await minds({ workers })
    const pid = await pidOf(server, 'a')
    await pidOf(server, 'b')
    server.child.kill('SIGTERM')
    await server.printed('asked b')
    await echoOver()
    server.child.kill('SIGTERM')
    expect(await server.closed).toEqual({ code: 1, signal: null })
    expect(server.out()).toMatch(/killed a: signal/)
    expect(server.out()).toMatch(/killed b: signal/)
    expect(await isRunning(pid)).toBe(false)
  })

  test('kills at the deadline those that do not hear, lets the others drain, and exits 1', async () => {
    const deaf = { a: { in: 'process', plan: 'deaf' }, b: { in: 'thread', plan: 'deaf' } } as const
    const workers = { ...deaf, c: { in: 'process' } } as const
    const server = await minds({ server: { shutdownTimeout: 600 }, workers })
    const pid = await pidOf(server, 'a')
    await Promise.all(['b', 'c'].map((name) => pidOf(server, name)))
    server.child.kill('SIGTERM')
    expect(await server.closed).toEqual({ code: 1, signal: null })
    expect(server.out()).toMatch(/killed a: deadline/)
    expect(server.out()).toMatch(/killed b: deadline/)
    expect(server.out()).toContain('drained c')
    expect(server.log()).toContain('worker a did not stop within')
    expect(await isRunning(pid)).toBe(false)
  })

  test('can be stopped while its workers are started', async () => {
    const server = run('minds', JSON.stringify({ workers: { a: { in: 'process' }, b: { in: 'thread' } } }))
    await server.printed('up a')
    server.child.kill('SIGTERM')
    expect(await server.closed).toEqual({ code: 0, signal: null })
    expect(server.out()).toContain('drained a')
    expect(server.out()).not.toContain('server ready')
  })

  test('takes no new work at SIGTSTP, and takes it again at SIGCONT', async () => {
    const server = await minds({ workers: { a: { in: 'process' } } })
    server.child.kill('SIGTSTP')
    await server.printed('server quiet, live true, ready false')
    server.child.kill('SIGCONT')
    await server.printed('server quiet, live true, ready true')
    server.child.kill('SIGTERM')
    expect(await server.closed).toEqual({ code: 0, signal: null })
  })

  test('at SIGHUP replaces its workers one at a time, and is never without one', async () => {
    const server = await minds({ workers: { a: { in: 'process' }, b: { in: 'thread' } }, group: 2 })
    const names = ['a', 'b', 'group-0', 'group-1']
    const [, , before] = await Promise.all(names.map((name) => pidOf(server, name)))
    server.child.kill('SIGHUP')
    await server.printed('"msg":"reloaded"')
    server.child.kill('SIGTERM')
    expect(await server.closed).toEqual({ code: 0, signal: null })
    expect(await pidOf(server, 'group-0', 1)).not.toBe(before)
    expect(server.out()).toContain('fewest running: 4.')
    const steps = server
      .out()
      .slice(server.out().indexOf('server reloading'))
      .match(/(up|drained) [\w-]+/g)
    expect(steps?.slice(0, 8)).toEqual(names.flatMap((name) => [`up ${name}`, `drained ${name}`]))
  })

  test('says what crashed it at once, ends its children, and exits 1', async () => {
    const server = await minds({ workers: { a: { in: 'process' }, b: { in: 'thread' } }, throwsAfter: 500 })
    const pid = await pidOf(server, 'a')
    expect(await server.closed).toEqual({ code: 1, signal: null })
    expect(server.log()).toMatch(/thrown in the server.*an exception that nobody caught/)
    expect(server.out()).toContain('killed a: uncaught')
    expect(server.out()).not.toContain('resolved')
    expect(await isRunning(pid)).toBe(false)
  })

  test('whose own loop is blocked is told of from beside it, ended where that is wanted, and no orphan stays', async () => {
    const server = await minds({
      server: { watchdog: 'kill', watchdogThreshold: 500 },
      workers: { a: { in: 'process' } },
      blocksAfter: 500,
    })
    const pid = await pidOf(server, 'a')
    expect(await server.closed).toEqual({ code: null, signal: 'SIGKILL' })
    expect(server.log()).toMatch(/event loop.*blocked/)
    expect(server.log()).toContain('minds.ts')
    await until(async () => !(await isRunning(pid)))
  })

  test('that is ended by SIGKILL leaves no orphan', async () => {
    const server = await minds({
      workers: { a: { in: 'process' }, b: { in: 'process', plan: 'deaf' } },
      group: 2,
    })
    const names = ['a', 'b', 'group-0', 'group-1']
    const pids = await Promise.all(names.map((name) => pidOf(server, name)))
    server.child.kill('SIGKILL')
    expect(await server.closed).toMatchObject({ signal: 'SIGKILL' })
    await until(async () => !(await Promise.all(pids.map(isRunning))).some(Boolean))
  })

  test('goes on when nobody reads what it prints', async () => {
    const server = await minds({ workers: { a: { in: 'process', plan: 'throws' }, b: { in: 'thread' } } })
    server.child.stdout!.destroy()
    const [, code] = await server.printed(/a threw in a timer[^]*worker a failed: it is (started again)/)
    expect(code).toBe('started again')
    server.child.kill('SIGTERM')
    expect(await server.closed).toEqual({ code: 0, signal: null })
  })
})
