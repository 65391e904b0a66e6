import { describe, expect, test } from 'vitest'
import { InvalidOptionError, StateError, WorkerExitError } from '../../src/core/errors.ts'
import { captureLogger } from '../../src/testing/index.ts'
import { failure, probe, REMOTE } from '../fixtures/placement/placed.ts'
import { until } from '../fixtures/until.ts'

const deadline = { kind: 'deadline', error: new Error('too late') } as const

describe.each(REMOTE)('a worker in a %s', (remote) => {
  test('is set up, runs, is torn down, and everybody is told in that order', async () => {
    const { handle, events, messages } = probe(remote, { name: 'p' })
    expect([handle.state, handle.name, handle.placement]).toEqual(['new', 'p', remote])
    await handle.stop()
    expect([handle.state, await handle.join()]).toEqual(['new', true])
    const before = Date.now()
    await handle.start()
    const { pid, threadId, startedAt, id } = handle.status()
    expect([handle.state, handle.isRunning]).toEqual(['running', true])
    expect([pid === process.pid, threadId !== undefined]).toEqual([remote === 'thread', remote === 'thread'])
    expect(startedAt).toBeGreaterThanOrEqual(before)
    expect(id).toMatch(/^\w{16}$/)
    expect(await handle.join(1)).toBe(false)
    await handle.stop()
    expect(handle.status()).toMatchObject({ state: 'stopped', isRunning: false, threadId: undefined, id })
    expect(await handle.join(1)).toBe(true)
    expect(events.names().filter((name) => name !== 'usage' && name !== 'message')).toEqual([
      'startup',
      'shutdown',
    ])
    expect(messages()).toEqual(['lifecycle startup', 'lifecycle shutdown'])
    expect(events.of('shutdown')).toEqual([{ worker: 'p', error: undefined }])
  })

  test('starts once when it is started twice, and stops once', async () => {
    const { handle, events } = probe(remote)
    await Promise.all([handle.start(), handle.start()])
    await handle.start()
    const stopped = handle.stop()
    await expect(handle.start()).rejects.toThrow(StateError)
    await Promise.all([stopped, handle.stop()])
    await handle.stop()
    expect([events.of('startup').length, events.of('shutdown').length]).toEqual([1, 1])
  })

  test('lives again, elsewhere, with its options, its listeners and the cause', async () => {
    const { handle, events, messages } = probe(remote, { name: 'again', main: 'show', value: 5 })
    await handle.start()
    const first = handle.status()
    await handle.stop()
    const cause = Object.assign(new Error('it broke'), { code: 'E_BROKE' })
    await handle.start({ cause, restarts: 3 })
    const second = handle.status()
    expect([second.restarts, second.lastCause]).toEqual([3, cause])
    expect(second.id).not.toBe(first.id)
    await handle.stop()
    await handle.start()
    expect(handle.status()).toMatchObject({ restarts: 3, lastCause: cause, name: 'again' })
    await handle.stop()
    expect(events.of('restart')).toMatchObject([
      { worker: 'again', restarts: 3, cause: { message: 'it broke', code: 'E_BROKE' } },
    ])
    expect(messages().filter((message) => message === 'lifecycle restart it broke')).toHaveLength(1)
    const shown = messages().filter((message) => typeof message === 'object')
    expect(shown).toEqual(Array.from({ length: 3 }, () => expect.objectContaining({ value: 5 })))
  })

  test('ends by itself when main returns', async () => {
    const { handle } = probe(remote, { main: 'nothing' })
    await handle.start()
    await handle.join()
    expect([handle.state, handle.error]).toEqual(['stopped', undefined])
  })

  test('gets its options as they are: dates, maps, big numbers and bytes included', async () => {
    const value = {
      at: new Date(0),
      map: new Map([['a', 1n]]),
      bytes: new Uint8Array([1, 2]),
      none: undefined,
    }
    const { handle, messages } = probe(remote, { main: 'show', value })
    await handle.start()
    await until(() => messages().length >= 2)
    expect(messages()).toContainEqual({ value, keys: ['logger', 'main', 'name', 'value'] })
  })

  test('refuses options that cannot cross, and says which', async () => {
    const { handle, events } = probe(remote, { value: () => {} })
    const error = await failure(handle.start())
    expect(error).toBeInstanceOf(InvalidOptionError)
    expect(error).toMatchObject({ option: 'value' })
    expect(error.message).toContain(`data that can be copied into a ${remote}`)
    expect([handle.state, handle.error]).toEqual(['failed', error])
    expect(events.names()).toEqual(['error', 'shutdown'])
  })

  test('logs through the logger of its parent, errors whole', async () => {
    const logger = captureLogger()
    const { handle } = probe(remote, { name: 'loud', setup: 'log', logger })
    await handle.start()
    await handle.stop()
    expect(logger.messages()).toEqual(['a line', 'a detail', 'from inside'])
    const { fields } = logger.lines[0]!
    expect(fields).toMatchObject({ worker: 'loud', n: 1 })
    expect(fields['err']).toBeInstanceOf(RangeError)
    expect(fields['err']).toMatchObject({ message: 'logged', cause: 'why' })
    expect((fields['err'] as Error).stack).toContain('probe.ts')
    expect(logger.lines[2]?.fields).toMatchObject({ worker: 'loud', part: 'inner' })
  })

  test.each(['setup', 'main', 'teardown'] as const)(
    'an error of %s comes back as it was thrown',
    async (hook) => {
      const { handle, events } = probe(remote, { name: 'p', [hook]: 'throw' })
      const started = handle.start()
      if (hook === 'setup') await expect(started).rejects.toThrow('no disk for p')
      else await started
      if (hook === 'teardown') await handle.stop()
      await handle.join()
      const { error } = handle
      expect(error).toBeInstanceOf(InvalidOptionError)
      expect(error).toMatchObject({ name: 'InvalidOptionError', code: 'INVALID_OPTION', option: 'disk' })
      expect(error).toMatchObject({ issues: [{ path: 'a' }], message: 'no disk for p' })
      expect(error?.cause).toBeInstanceOf(RangeError)
      expect(error?.stack).toContain('probe.ts')
      expect([handle.state, events.of('shutdown')]).toEqual(['failed', [{ worker: 'p', error }]])
      expect(events.of('error')).toMatchObject([{ worker: 'p', error: { code: 'INVALID_OPTION' } }])
    },
  )

  test('an end without an error value is a failure too', async () => {
    const { handle } = probe(remote, { main: 'throwNothing' })
    await handle.start()
    await handle.join()
    expect(handle.error?.message).toContain('undefined')
  })

  test('talks with its parent both ways', async () => {
    const { handle, events } = probe(remote, { name: 'p' })
    expect(() => handle.send('early')).toThrow(StateError)
    await handle.start()
    for (const n of [1, 2, 3]) handle.send({ n, at: new Date(n) })
    await until(() => events.of('message').length === 4)
    const back = [1, 2, 3].map((n) => ({ worker: 'p', message: { back: { n, at: new Date(n) } } }))
    expect(events.of('message').slice(1)).toEqual(back)
    const error = (() => {
      try {
        return handle.send({ call: () => {} })
      } catch (thrown) {
        return thrown
      }
    })()
    expect(error).toMatchObject({ code: 'INVALID_OPTION', option: 'message' })
    expect(handle.state).toBe('running')
  })

  test('a message that cannot cross fails where it is sent, and a failing receive is an error, no end', async () => {
    const { handle, events } = probe(remote, { receive: 'sayFunction' })
    await handle.start()
    handle.send('go')
    await until(() => events.of('error').length === 1)
    expect(events.of('error')[0]?.error).toMatchObject({ code: 'INVALID_OPTION', option: 'message' })
    expect(handle.isRunning).toBe(true)
  })

  test('is quiet when asked, also from its start on, and after a restart', async () => {
    const { handle, said, messages } = probe(remote, { main: 'tellQuiet' })
    await handle.start()
    await said('quiet false')
    handle.quiet()
    await said('quiet true')
    await handle.stop()
    await handle.start()
    await until(() => messages().filter((message) => message === 'quiet true').length >= 2)
    handle.resume()
    await until(() => messages().at(-1) === 'quiet false')
    await handle.stop()
    const seen = messages().length
    await handle.start()
    await until(() => messages().length > seen + 1)
    expect(messages().slice(seen)).not.toContain('quiet true')
  })

  test('saves what it can when it is killed, and its lifecycle hears why', async () => {
    const { handle, events, messages } = probe(remote, { main: 'never', onKill: 'save' })
    await handle.start()
    await handle.kill(deadline)
    expect([handle.state, handle.error]).toEqual(['failed', deadline.error])
    expect(messages()).toEqual(expect.arrayContaining(['saved', 'lifecycle killed deadline']))
    expect(events.of('killed')).toEqual([{ worker: handle.name, cause: deadline }])
    expect(events.of('shutdown')).toEqual([{ worker: handle.name, error: deadline.error }])
    expect(events.of('error')).toEqual([])
    await handle.kill(deadline)
    await handle.start()
    expect(handle.error).toBeUndefined()
  })

  test.each(['throwOutside', 'rejectOutside'] as const)(
    '%s: the error reaches the handle and ends it',
    async (main) => {
      const logger = captureLogger()
      const { handle, events, messages } = probe(remote, { main, onKill: 'save', logger })
      await handle.start()
      await handle.join()
      const error = handle.error!
      expect(error).toBeInstanceOf(main === 'throwOutside' ? TypeError : SyntaxError)
      expect(error.stack).toContain('probe.ts')
      if (main === 'throwOutside') expect(error.cause).toMatchObject({ message: 'deep' })
      expect(handle.state).toBe('failed')
      expect(events.of('error')).toEqual([{ worker: handle.name, error }])
      expect(events.of('killed')).toMatchObject([
        { cause: { kind: 'uncaught', error: { message: error.message } } },
      ])
      expect(messages()).toContain('saved')
      expect(logger.messages('error')).toContain(`worker ${handle.name} failed`)
    },
  )

  test('that calls process.exit is a failure that says so', async () => {
    const { handle } = probe(remote, { main: 'exit' })
    await handle.start()
    await handle.join()
    expect(handle.error).toBeInstanceOf(WorkerExitError)
    expect(handle.error).toMatchObject({ code: 'WORKER_EXITED', exitCode: 7 })
    expect(handle.error?.message).toContain('exited with code 7; does something call process.exit()?')
  })

  test('gets the environment and flags that it is given', async () => {
    const { handle, messages } = probe(
      remote,
      { main: 'env' },
      { env: { PROBE: 'given' }, execArgv: ['--no-deprecation'] },
    )
    await handle.start()
    await until(() => messages().length === 2)
    expect(messages()[1]).toMatchObject({
      env: 'given',
      flags: expect.arrayContaining(['--no-deprecation']) as unknown,
    })
    expect(process.env['PROBE']).toBeUndefined()
  })

  test('has a name by its class, the same in all its lives', async () => {
    const { handle, events } = probe(remote)
    expect(handle.name).toMatch(/^(Thread|Process)Probe-\d+$/)
    const { name } = handle
    await handle.start()
    await handle.stop()
    await handle.start()
    expect([handle.name, events.of('startup').map(({ worker }) => worker)]).toEqual([name, [name, name]])
  })
})
