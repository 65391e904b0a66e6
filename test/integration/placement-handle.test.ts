import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { StateError, UnsupportedError } from '../../src/core/errors.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { Worker } from '../../src/worker/worker.ts'
import { failure, file, place, probe, REMOTE, type Placed } from '../fixtures/placement/placed.ts'
import { until } from '../fixtures/until.ts'

const COUNTS = fileURLToPath(new URL('../fixtures/placement/counts.ts', import.meta.url))
const why = { cause: new Error('a reload'), restarts: 1 }

/** A worker here, with the life that its options ask for. */
class Inline extends Worker<{ gate?: Promise<void>; isBroken?: () => boolean }> {
  override async setup(): Promise<void> {
    await this.options.gate
    if (this.options.isBroken?.() === true) throw new Error('not this one')
  }
  override async main(): Promise<void> {
    this.message(`main of ${this.id}, quiet ${this.isQuiet}`)
    while (this.isRunning) await this.sleep('1h')
  }
}

/** A file that is not there yet. */
const mark = (): string => `${fileURLToPath(file('', 'mark'))}-2`

const lives = ({ events }: Placed): string[] =>
  events.names().filter((name) => ['startup', 'restart', 'killed', 'shutdown'].includes(name))

describe.each(REMOTE)('replacing a worker in a %s', (remote) => {
  test('the new one is ready before the old one is asked to stop, and the listeners hear both', async () => {
    const placed = probe(remote, { teardown: 'slowly' })
    const { handle } = placed
    await handle.start()
    const first = handle.status()
    const surged = handle.surge(why)
    await until(() => handle.id !== first.id)
    expect([handle.isRunning, handle.status().restarts]).toEqual([true, 1])
    await surged
    expect(handle.status()).toMatchObject({ state: 'running', lastCause: why.cause, restarts: 1 })
    expect(lives(placed)).toEqual(['startup', 'startup', 'restart', 'shutdown'])
    expect(placed.messages()).toContain('slowly done')
    await handle.stop()
    expect(handle.state).toBe('stopped')
  })

  test('the old one goes on when the new one cannot start', async () => {
    const { handle } = probe(remote, { setup: 'failsSecond', value: mark() })
    await handle.start()
    const { id } = handle
    expect((await failure(handle.surge(why))).message).toContain('the second one')
    expect([handle.id, handle.state, handle.error]).toEqual([id, 'running', undefined])
  })

  test('the old one goes on when the new one does not start in time', async () => {
    const { handle } = probe(remote, { setup: 'hangsSecond', value: mark() }, { startTimeout: '1s' })
    await handle.start()
    const { id } = handle
    expect(await failure(handle.surge(why))).toMatchObject({ code: 'START_TIMEOUT' })
    expect([handle.id, handle.state]).toEqual([id, 'running'])
  })

  test('an old one that ignores the stop is killed at its deadline', async () => {
    const placed = probe(remote, { main: 'never' }, { stopTimeout: 100 })
    await placed.handle.start()
    await placed.handle.surge(why)
    expect(placed.handle.isRunning).toBe(true)
    expect(lives(placed)).toEqual(['startup', 'startup', 'restart', 'killed', 'shutdown'])
  })

  test('a stop that comes meanwhile ends both', async () => {
    const { handle } = probe(remote, { setup: 'slowly' })
    await handle.start()
    const surged = failure(handle.surge(why))
    await handle.stop()
    expect(await surged).toBeInstanceOf(StateError)
    expect([handle.state, await handle.join(1)]).toEqual(['stopped', true])
  })
})

describe('replacing a worker', () => {
  test('works here, too: quiet from its start when the old one is', async () => {
    const placed = place(Inline)
    await placed.handle.start()
    placed.handle.quiet()
    const first = placed.handle.id
    await placed.handle.surge(why)
    const second = placed.handle.id
    expect(placed.messages()).toEqual([`main of ${first}, quiet false`, `main of ${second}, quiet true`])
    expect(lives(placed)).toEqual(['startup', 'startup', 'restart', 'shutdown'])
  })

  test('those who join wait for the successor', async () => {
    const { handle } = place(Inline)
    await handle.start()
    let isJoined = false
    const joined = handle.join().then(() => (isJoined = true))
    await handle.surge(why)
    expect([isJoined, await handle.join(5)]).toEqual([false, false])
    await handle.stop()
    await joined
  })

  test('cannot be done twice at once', async () => {
    const gate = Promise.withResolvers<void>()
    let isFirst = true
    const { handle } = place(
      class Slow extends Inline {
        override async setup(): Promise<void> {
          if (!isFirst) await gate.promise
          isFirst = false
        }
      },
    )
    await handle.start()
    const surged = handle.surge(why)
    await expect(handle.surge(why)).rejects.toThrow('is being replaced already')
    gate.resolve()
    await surged
    await handle.surge(why)
    expect(handle.isRunning).toBe(true)
  })

  test('resume reaches one that was started while all were quiet', async () => {
    const gate = Promise.withResolvers<void>()
    let count = 0
    const { handle, messages } = place(
      class Slow extends Inline {
        override async setup(): Promise<void> {
          if (count++ > 0) await gate.promise
        }
      },
    )
    await handle.start()
    handle.quiet()
    const surged = handle.surge(why)
    handle.resume()
    gate.resolve()
    await surged
    expect(messages().at(-1)).toContain('quiet false')
  })

  test('the old one goes on when the new one fails', async () => {
    let count = 0
    const { handle } = place(Inline, { isBroken: () => count++ > 0 })
    await handle.start()
    const { id } = handle
    await expect(handle.surge(why)).rejects.toThrow('not this one')
    expect([handle.id, handle.isRunning]).toEqual([id, true])
  })

  test('cannot be done with an instance', async () => {
    const { handle } = place(new Inline({ logger: silentLogger }) as never)
    expect(handle.isReplaceable).toBe(false)
    await expect(handle.surge(why)).rejects.toThrow(UnsupportedError)
  })
})

test.each(REMOTE)(
  'thirty lives in a %s, ended in every way, leave no handle, timer or listener behind',
  async (remote) => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--conditions=millhand-source', COUNTS, remote, '30'],
      { env: { ...process.env, NODE_OPTIONS: '' } },
    )
    const { before, after } = JSON.parse(stdout) as { before: unknown; after: unknown }
    expect(after).toEqual(before)
  },
)
