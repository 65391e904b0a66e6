import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker as Thread } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import { ThreadSampler } from '../../src/worker/placement/thread-stack.ts'
import type { PlacementOptions } from '../../src/worker/placement/placement-options.ts'
import { place, REMOTE, type Placed, type Remote } from '../fixtures/placement/placed.ts'
import {
  ProcessBlocker,
  ThreadBlocker,
  type Block,
  type BlockerOptions,
} from '../fixtures/watchdog/blockers.ts'
import { until } from '../fixtures/until.ts'

const EXITS = fileURLToPath(new URL('../fixtures/watchdog/exits-while-it-looks.ts', import.meta.url))
const PARENT_OF_LOAD_BLOCKER = fileURLToPath(
  new URL('../fixtures/watchdog/parent-of-load-blocker.ts', import.meta.url),
)
const PARENT = fileURLToPath(new URL('../fixtures/placement/parent.ts', import.meta.url))

function blocker(remote: Remote, placement: PlacementOptions, options: BlockerOptions = {}): Placed {
  return place(remote === 'thread' ? ThreadBlocker : ProcessBlocker, options, placement)
}

async function started(remote: Remote, placement: PlacementOptions): Promise<Placed> {
  const placed = blocker(remote, placement)
  await placed.handle.start()
  return placed
}

function block({ handle }: Placed, ...how: Block): void {
  handle.send(how)
}

/** Resolves to the causes of its stalls when there are so many. */
async function stalls({ events }: Placed, count: number): Promise<string[]> {
  await until(() => events.of('stalled').length >= count, { what: `${count} stalls` })
  return events.of('stalled').map(({ cause }) => cause)
}

/** A thread that gets no turn at once does not say where it is: how often that is tried, on a busy machine. */
const TRIES = 6
const hasPlace = (text: string | undefined): boolean => text?.includes(' at\n') === true

/** Resolves when so many blocks are over, and the loop has given a sign of life since. */
async function over({ messages, events }: Placed, count: number): Promise<void> {
  await until(() => messages().filter((message) => message === 'over').length === count, {
    what: `the end of ${count} blocks`,
  })
  const signs = events.of('usage').length
  await until(() => events.of('usage').length > signs, { what: 'a sign of life' })
}

describe.each(REMOTE)('the blocked loop of a worker in a %s', (remote) => {
  test('is seen, with the place in the code', async () => {
    // Else a worker that hangs looks like one that has nothing to do.
    let cause: string | undefined
    for (let n = 0; n < TRIES && !hasPlace(cause); n++) {
      const placed = await started(remote, { stallThreshold: '1s' })
      block(placed, 'spin')
      ;[cause] = await stalls(placed, 1)
      await placed.handle.kill({ kind: 'deadline', error: new Error('seen') })
    }
    expect(cause).toMatch(
      /^its event loop is blocked at\n {4}at spinForEver \(file:.*\/block\.ts:\d+:\d+\)\n/,
    )
    expect(cause).toContain('at block (')
  })

  test('is told of once for each block, and goes on unharmed', async () => {
    // Else whoever looks at a stall makes it worse.
    const placed = await started(remote, { stallThreshold: 500 })
    let causes: string[] = []
    for (let round = 1; round <= TRIES && causes.filter(hasPlace).length < 2; round++) {
      block(placed, 'crunch', 1500)
      await over(placed, round)
      causes = await stalls(placed, round)
      expect(causes).toHaveLength(round)
    }
    expect(causes.filter((cause) => cause.includes('at crunchNumbers ('))).toHaveLength(2)
    await placed.handle.stop()
    expect(placed.handle.state).toBe('stopped')
  })

  test('is told of without the place when it waits outside of JavaScript, and goes on unharmed', async () => {
    // Else a thread that waited for a program stays paused for ever when that has ended.
    const placed = await started(remote, { stallThreshold: 500 })
    block(placed, 'program', 1500)
    expect(await stalls(placed, 1)).toEqual(['its event loop is blocked'])
    await over(placed, 1)
    let cause: string | undefined
    for (let round = 2; round <= TRIES && !hasPlace(cause); round++) {
      block(placed, 'crunch', 1500)
      await over(placed, round)
      cause = (await stalls(placed, round)).at(-1)
    }
    expect(cause).toContain('at crunchNumbers (')
    await placed.handle.stop()
    expect(placed.handle.state).toBe('stopped')
  })

  test('is seen in setup, too', async () => {
    let cause: string | undefined
    for (let n = 0; n < TRIES && !hasPlace(cause); n++) {
      const placed = blocker(remote, { stallThreshold: 300 }, { inSetup: true })
      placed.handle.start().catch(() => {})
      ;[cause] = await stalls(placed, 1)
      // It takes a core for itself.
      await placed.handle.kill({ kind: 'deadline', error: new Error('seen') })
    }
    expect(cause).toContain('at spinForEver (')
  })

  test('ends it by option, with the place in the error', async () => {
    let error: (Error & { readonly code?: string }) | undefined
    for (let n = 0; n < TRIES && !hasPlace(error?.message); n++) {
      const placed = await started(remote, { stallThreshold: 1000, onStall: 'kill' })
      block(placed, 'spin')
      expect(await placed.handle.join('20s')).toBe(true)
      error = placed.handle.error
      expect(error).toMatchObject({ code: 'WORKER_STALLED' })
    }
    expect(error?.message).toContain('at spinForEver (')
  })
})

test.each([
  ['whose loop is blocked', [PARENT, 'process', 'block']],
  ['that blocks while its module is loaded', [PARENT_OF_LOAD_BLOCKER]],
])('a process %s ends when its parent was killed', async (_, program) => {
  // Else every crash of a server may leave a process behind that burns a core until somebody finds it.
  const child = spawn(process.execPath, ['--conditions=millhand-source', ...program], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (log += chunk))
  const [, text] = await until(() => /up (\d+)/.exec(log), { what: 'the worker to be up' })
  const pid = Number(text)
  try {
    expect(isRunning(pid)).toBe(true)
    child.kill('SIGKILL')
    await once(child, 'exit')
    await until(() => !isRunning(pid), { what: `the process ${pid} to be gone` })
  } finally {
    if (isRunning(pid)) process.kill(pid, 'SIGKILL')
  }
})

describe('looking at a thread', () => {
  test('leaves nothing behind, however often and at however many', async () => {
    // Else a thread cannot be ended any more, or the parent keeps a session for each look.
    const spin =
      "function spinHere() { while (true); }\nrequire('worker_threads').parentPort.once('message', spinHere)"
    const threads = Array.from({ length: 3 }, () => new Thread(spin, { eval: true }))
    await Promise.all(threads.map((thread) => once(thread, 'online')))
    for (const thread of threads) thread.postMessage('go')
    const look = (): Promise<(string | undefined)[]> =>
      Promise.all(threads.map(({ threadId }) => new ThreadSampler(threadId).sample()))
    // The first is when all of them run.
    await until(async () => (await look()).every((stack) => stack?.includes('spinHere')))
    const before = process.getActiveResourcesInfo()
    for (let round = 0; round < 5; round++) {
      for (const stack of await look()) expect(stack).toMatch(/^ {4}at .*spinHere \(\[worker eval\]:1:\d+\)/)
    }
    expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before.length)
    await Promise.all(threads.map((thread) => thread.terminate()))
  })

  test('finds nothing where it waits for work, and does not pause it when there is some again', async () => {
    // Else a worker that had been blocked, and was asked too late, is blocked for good.
    const echo =
      "const { parentPort } = require('worker_threads'); parentPort.on('message', (n) => parentPort.postMessage(n))"
    const thread = new Thread(echo, { eval: true })
    for (let round = 0; round < 3; round++) {
      thread.postMessage(round)
      expect(await once(thread, 'message')).toEqual([round])
      expect(await new ThreadSampler(thread.threadId).sample()).toBeUndefined()
    }
    thread.postMessage('last')
    expect(await once(thread, 'message')).toEqual(['last'])
    await thread.terminate()
  })

  test('does not keep the process from its exit, at whatever moment that comes', async () => {
    // Else a server that has to exit hangs for ever: it waits for a thread that is paused.
    for (let waitMs = 0; waitMs < 60; waitMs += 4) {
      const child = spawn(process.execPath, [EXITS, String(waitMs)], {
        stdio: 'inherit',
        env: { ...process.env, NODE_OPTIONS: '' },
        timeout: 20_000,
        killSignal: 'SIGKILL',
      })
      expect(await once(child, 'exit')).toEqual([5, null])
    }
  })

  test('finds nothing where there is none', async () => {
    expect(await new ThreadSampler(1_000_000).sample()).toBeUndefined()
  })
})

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
