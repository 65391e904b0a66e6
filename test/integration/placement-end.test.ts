import { describe, expect, test } from 'vitest'
import { WorkerExitError } from '../../src/core/errors.ts'
import { captureLogger } from '../../src/testing/index.ts'
import type { Act } from '../fixtures/placement/probe.ts'
import { file, place, classAt, probe, REMOTE } from '../fixtures/placement/placed.ts'
import { until } from '../fixtures/until.ts'

/** What a worker may take to save what it can. One that has nothing to save, or cannot, is not waited for that long. */
const GRACE_MS = 1000
/** Far above what a stop or kill takes, on a machine that is busy too, and below what waiting for ever is here. */
const LIMIT_MS = 10_000
const cause = { kind: 'deadline', error: new Error('given up') } as const

async function timed(run: Promise<unknown>): Promise<number> {
  const from = performance.now()
  await run
  return performance.now() - from
}

/** True while a process of that id is there. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe.each(REMOTE)('the end of a %s', (remote) => {
  test.each(['never', 'block'] as const)(
    'comes within its deadline when main ignores the stop (%s)',
    async (main) => {
      let ms = Infinity
      // Once is enough to show that it waits for nothing else: a busy machine may be late, and not each time.
      for (let n = 0; n < 10 && ms >= GRACE_MS; n++) {
        const { handle, events } = probe(remote, { main }, { stopTimeout: 150 })
        await handle.start()
        const { pid } = handle.status()
        ms = await timed(handle.stop())
        expect(ms).toBeGreaterThanOrEqual(149)
        expect(handle.state).toBe('failed')
        expect(handle.error).toMatchObject({ code: 'SHUTDOWN' })
        expect(handle.error?.message).toContain(
          'did not stop within 150ms: look at this.isRunning in every loop',
        )
        expect(events.of('killed')).toHaveLength(1)
        if (remote === 'process') expect(isThere(pid!)).toBe(false)
      }
      expect(ms).toBeLessThan(GRACE_MS)
    },
  )

  test.each(['never', 'block'] as const)('comes also when teardown does not end (%s)', async (teardown) => {
    const { handle } = probe(remote, { teardown })
    await handle.start()
    expect(await timed(handle.stop({ timeout: 150 }))).toBeLessThan(LIMIT_MS)
    expect(handle.state).toBe('failed')
  })

  test('waits for what is in hand', async () => {
    const { handle, messages } = probe(remote, { teardown: 'slowly' })
    await handle.start()
    await handle.stop()
    expect([handle.state, messages().includes('slowly done')]).toEqual(['stopped', true])
  })

  test('may be asked while the module is loaded: it is stopped without having run', async () => {
    const { handle, events } = probe(remote)
    const started = handle.start()
    const stopped = handle.stop()
    expect(handle.state).toBe('stopping')
    await Promise.all([started, stopped])
    expect(handle.state).toBe('stopped')
    expect(events.of('startup')).toEqual([])
  })

  test('may be asked during setup: main is left out', async () => {
    const { handle, events, messages } = probe(remote, { setup: 'slowly', main: 'throw' })
    const started = handle.start()
    await until(() => handle.id !== '', { what: 'setup to begin' })
    await Promise.all([handle.stop(), started])
    expect([handle.state, messages().includes('slowly done')]).toEqual(['stopped', true])
    expect(events.of('startup')).toEqual([])
  })

  test.each<[string, Act | undefined, Act | undefined, Act | undefined]>([
    ['setup', 'never', undefined, undefined],
    ['a blocked setup', 'block', undefined, undefined],
    ['main', undefined, 'never', undefined],
    ['a blocked main', undefined, 'block', undefined],
    ['teardown', undefined, 'nothing', 'never'],
    ['a blocked teardown', undefined, 'nothing', 'block'],
  ])('may be forced in %s', async (_what, setup, main, teardown) => {
    const { handle, events } = probe(remote, {
      ...(setup && { setup }),
      ...(main && { main }),
      ...(teardown && { teardown }),
    })
    const started = handle.start()
    started.catch(() => {})
    await until(() => handle.id !== '')
    if (setup === undefined) await started
    if (teardown !== undefined) await until(() => handle.state === 'stopping')
    expect(await timed(handle.kill(cause))).toBeLessThan(LIMIT_MS)
    expect([handle.state, handle.error]).toEqual(['failed', cause.error])
    expect(events.of('shutdown')).toEqual([{ worker: handle.name, error: cause.error }])
    if (setup !== undefined) await expect(started).rejects.toBe(cause.error)
  })

  test('may be forced while the module is loaded', async () => {
    const { handle } = probe(remote)
    const started = handle.start()
    const [ms] = await Promise.all([timed(handle.kill(cause)), expect(started).rejects.toBe(cause.error)])
    expect(ms).toBeLessThan(LIMIT_MS)
    expect(handle.state).toBe('failed')
  })

  test('is not held up by an onKill that does not end, nor by a handler of its exit', async () => {
    const hangs = probe(remote, { main: 'never', onKill: 'never' })
    await hangs.handle.start()
    expect(await timed(hangs.handle.kill(cause))).toBeLessThan(LIMIT_MS)
    const blocks = probe(remote, { setup: 'leaveExitHandler' })
    await blocks.handle.start()
    expect(await timed(blocks.handle.stop())).toBeLessThan(LIMIT_MS)
    expect(blocks.handle.state).toBe('stopped')
  })

  test('is not held up by timers that were left behind, also by the module', async () => {
    const { handle } = probe(remote, { setup: 'leaveTimers', main: 'leaveTimers' })
    await handle.start()
    await handle.join()
    expect(handle.state).toBe('stopped')
    const { handle: other } = place(
      classAt(remote, file('setInterval(() => {}, 1000)\nexport class Other {}')),
    )
    expect(await timed(other.start().catch(() => {}))).toBeLessThan(LIMIT_MS)
    expect(other.state).toBe('failed')
  })

  test('at a worker that is dead already changes nothing', async () => {
    const { handle, events } = probe(remote, { main: 'throw' })
    await handle.start()
    await handle.join()
    const { error } = handle
    await handle.kill(cause)
    await handle.stop()
    expect([handle.error, events.of('killed')]).toEqual([error, []])
  })
})

describe('a process that is ended from outside', () => {
  test.each([
    ['SIGKILL', 'the system does that to a process when memory runs out'],
    ['SIGSEGV', ''],
    ['SIGABRT', 'Node does that when its heap is full'],
  ] as const)('by %s is a failure that says so', async (signal, hint) => {
    const { handle, events } = probe('process')
    await handle.start()
    const { pid } = handle.status()
    process.kill(pid!, signal)
    await handle.join()
    expect(handle.state).toBe('failed')
    expect(handle.error).toBeInstanceOf(WorkerExitError)
    expect(handle.error).toMatchObject({ code: 'WORKER_EXITED', signal, exitCode: undefined })
    expect(handle.error?.message).toContain(`(pid ${pid}) was ended by ${signal}`)
    expect(handle.error?.message).toContain(hint)
    expect(events.names().slice(-2)).toEqual(['error', 'shutdown'])
    expect(handle.status().pid).toBeUndefined()
    await handle.start()
    expect(handle.isRunning).toBe(true)
  })

  test('while it is set up fails its start', async () => {
    const { handle } = probe('process', { setup: 'never' })
    const started = handle.start()
    await until(() => handle.id !== '')
    process.kill(handle.status().pid!, 'SIGKILL')
    await expect(started).rejects.toThrow('was ended by SIGKILL during its setup')
  })

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGTSTP'] as const)(
    'leaves %s to its parent',
    async (signal) => {
      const { handle, messages } = probe('process')
      await handle.start()
      process.kill(handle.status().pid!, signal)
      // It still answers, and stops as it should.
      handle.send('still there?')
      await until(() => messages().length === 2)
      await handle.stop()
      expect([handle.state, handle.error]).toEqual(['stopped', undefined])
    },
  )
})

test('a thread inside a call of the system cannot be ended: nobody waits for it for ever, and it is said', async () => {
  const logger = captureLogger()
  const { handle } = probe('thread', { main: 'execute', logger }, { stopTimeout: 50 })
  await handle.start()
  await handle.stop()
  // It has not ended: the call of the system takes longer than anybody waits for it.
  expect([handle.state, await handle.join(1)]).toEqual(['stopping', false])
  expect(logger.messages('error')).toEqual([
    `worker ${handle.name} cannot be ended: its thread is inside a call of the system; it is left`,
  ])
  // It does go, once the call has returned.
  await handle.join()
  expect(handle.error).toMatchObject({ code: 'SHUTDOWN' })
})

test('a thread that grows beyond its limits is ended, and the error says which and what helps', async () => {
  const { handle } = probe('thread', { main: 'grow' }, { resourceLimits: { maxOldGenerationSizeMb: 16 } })
  await handle.start()
  await handle.join('30s')
  expect(handle.error).toMatchObject({ code: 'WORKER_EXITED', cause: { code: 'ERR_WORKER_OUT_OF_MEMORY' } })
  expect(handle.error?.message).toContain('raise resourceLimits, or let it be recycled before with maxMemory')
})

test('a process that grows beyond its heap is ended, and the error says why', async () => {
  const { handle } = probe('process', { main: 'grow' }, { execArgv: ['--max-old-space-size=32'] })
  await handle.start()
  await handle.join('30s')
  expect(handle.error).toMatchObject({ code: 'WORKER_EXITED', signal: 'SIGABRT' })
  expect(handle.error?.message).toContain('Node does that when its heap is full')
})
