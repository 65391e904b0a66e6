import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { until } from '../fixtures/until.ts'

const PROGRAM = fileURLToPath(new URL('../fixtures/watchdog/watched.ts', import.meta.url))
const children = new Set<ChildProcess>()

// Not after each: most of them run beside each other.
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
})

/** A line of the log. */
interface Line {
  readonly pid: number
  readonly level: number
  readonly msg: string
  readonly forMs: number
  readonly stack?: string
  readonly err?: { readonly code?: string }
}

interface Run {
  readonly child: ChildProcess
  readonly closed: Promise<{ code: number | null; signal: string | null }>
  readonly text: () => string
  readonly lines: () => Line[]
  /** Resolves when the program has said that it begins with that. */
  readonly begun: (act: string) => Promise<unknown>
}

function watched(
  [thresholdMs, onStall, ...acts]: readonly [number, 'log' | 'kill', ...string[]],
  flags: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Run {
  const args = ['--conditions=millhand-source', ...flags, PROGRAM, String(thresholdMs), onStall, ...acts]
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', LOG_FORMAT: 'json', LOG_LEVEL: 'info', ...env },
  })
  children.add(child)
  const lines: Line[] = []
  const begun = new Set<string>()
  let text = ''
  createInterface(child.stdout).on('line', (act) => begun.add(act))
  createInterface(child.stderr).on('line', (line) => {
    text += `${line}\n`
    if (line.startsWith('{')) lines.push(JSON.parse(line) as Line)
  })
  return {
    child,
    closed: once(child, 'close').then(([code, signal]) => ({ code, signal })),
    text: () => text,
    lines: () => lines,
    begun: (act) => until(() => begun.has(act), { what: `the program to ${act}` }),
  }
}

/** Far above what a loop waits for its turn on a machine that is overloaded. */
const THRESHOLD_MS = 500
const ended = { code: 0, signal: null }

test('a process whose own event loop is blocked says so, with the place in the code', async () => {
  // Else a server hangs, does not even hear SIGTERM, and nobody can tell why.
  const { child, lines } = watched([1000, 'log', 'spin'])
  const line = await until(() => lines()[0], { what: 'the line of the watchdog' })
  expect(line).toMatchObject({
    level: 50,
    pid: child.pid,
    msg: 'the event loop of this process is blocked',
  })
  expect(line.forMs).toBeGreaterThanOrEqual(1000)
  expect(line.stack?.split('\n')[0]).toMatch(/^ {4}at spinForEver \(file:.*\/block\.ts:\d+:\d+\)$/)
  expect(line.stack?.split('\n')[1]).toMatch(/watched\.ts:\d+:\d+\)?$/)
  expect(line.stack).not.toContain('node:internal')
})

describe.concurrent('a process whose own event loop is blocked', () => {
  test('says it once for each stall, and how long that took when it is over', async () => {
    // Else the log is flooded, or the second stall of a day is not in it.
    const { closed, lines } = watched([THRESHOLD_MS, 'log', 'crunch', 'breathe', 'crunch', 'breathe'])
    expect(await closed).toEqual(ended)
    const [first, over, second] = lines()
    expect(lines().map(({ msg }) => msg)).toEqual(
      Array.from({ length: 2 }, () => [
        'the event loop of this process is blocked',
        'the event loop of this process runs again',
      ]).flat(),
    )
    expect(over?.forMs).toBeGreaterThan(1000)
    for (const { stack } of [first!, second!]) expect(stack).toContain('at crunchNumbers (')
  })

  test('says nothing of a block below the threshold', async () => {
    const { closed, text } = watched([1000, 'kill', 'short', 'breathe'])
    expect(await closed).toEqual(ended)
    expect(text()).toBe('')
  })

  test('says it without the place when it waits outside of JavaScript, which goes on unharmed', async () => {
    // Else a look into a process that waits for a program leaves it paused for ever.
    const { closed, lines } = watched([THRESHOLD_MS, 'log', 'program', 'breathe', 'crunch', 'breathe'])
    expect(await closed).toEqual(ended)
    const [first, , second] = lines()
    expect(first).toMatchObject({ msg: 'the event loop of this process is blocked' })
    expect(first).not.toHaveProperty('stack')
    expect(second?.stack).toContain('at crunchNumbers (')
  })

  test('is killed by option, after the line was written', async () => {
    // Else a service manager never gets to start it again, or nobody knows why it did.
    const { child, closed, lines } = watched([THRESHOLD_MS, 'kill', 'spin'])
    expect(await closed).toEqual({ code: null, signal: 'SIGKILL' })
    expect(lines()).toMatchObject([
      { pid: child.pid, msg: 'the event loop of this process is blocked: the process is killed' },
    ])
    expect(lines()[0]?.stack).toContain('at spinForEver (')
  })

  test('is not killed for the time in which it was stopped by a signal', async () => {
    // Else `kill -STOP`, Ctrl-Z or a frozen container ends it when it goes on.
    const { child, closed, lines, begun } = watched([THRESHOLD_MS, 'kill', 'breathe', 'breathe', 'breathe'])
    await begun('breathe')
    for (let round = 0; round < 2; round++) {
      child.kill('SIGSTOP')
      await until(() => stateOf(child) === 'T', { what: 'the process to be stopped' })
      const from = performance.now()
      await until(() => performance.now() - from > 3 * THRESHOLD_MS)
      child.kill('SIGCONT')
      await until(() => stateOf(child) !== 'T', { what: 'the process to go on' })
    }
    expect(await closed).toEqual(ended)
    expect(lines()).toEqual([])
  })

  test('is left alone while somebody holds it in a debugger', async () => {
    // Else a breakpoint ends the process, or the watchdog runs on from it.
    const { child, closed, lines, text, begun } = watched(
      [THRESHOLD_MS, 'kill', 'breathe', 'breathe', 'breathe'],
      ['--inspect=127.0.0.1:0'],
    )
    await begun('breathe')
    const [, url] = await until(() => /listening on (ws:\S+)/.exec(text()), { what: 'the debugger' })
    const tool = await debuggerAt(url!)
    await tool.post('Debugger.enable')
    await tool.post('Debugger.pause')
    await until(() => tool.heard('Debugger.paused'), { what: 'the pause' })
    const from = performance.now()
    await until(() => performance.now() - from > 6 * THRESHOLD_MS)
    expect(tool.heard('Debugger.resumed')).toBe(false)
    expect(lines()).toEqual([])
    expect(child.exitCode).toBeNull()
    await tool.post('Debugger.resume')
    tool.close()
    expect(await closed).toEqual(ended)
    expect(lines()).toEqual([])
  })
})

describe.concurrent('the watchdog of a process', () => {
  test('ends when it is stopped, and is not missed by what ends', async () => {
    const { closed, text } = watched([THRESHOLD_MS, 'kill', 'stop', 'stop', 'crunch'])
    expect(await closed).toEqual(ended)
    expect(text()).toBe('')
  })

  test('says nothing where the logger of the program says nothing', async () => {
    const { closed, text } = watched([THRESHOLD_MS, 'log', 'silent', 'crunch', 'breathe'])
    expect(await closed).toEqual(ended)
    expect(text()).toBe('')
  })

  test('writes for people where that is wanted', async () => {
    const run = watched([THRESHOLD_MS, 'kill', 'spin'], [], { LOG_FORMAT: 'pretty' })
    await run.closed
    expect(run.text()).toContain('the event loop of this process is blocked')
    expect(run.text()).toMatch(/\n {4}stack: {5}at spinForEver/)
  })

  test('runs none of what is preloaded into the program', async () => {
    // Else every preloaded agent is there twice, and may open its port twice.
    const hook = `data:text/javascript,process.stderr.write('loaded\\n')`
    const run = watched([THRESHOLD_MS, 'log', 'crunch'], [], { NODE_OPTIONS: `--import=${hook}` })
    await run.closed
    expect(run.text().match(/loaded/g)).toHaveLength(1)
    expect(run.lines()[0]?.stack).toContain('at crunchNumbers (')
  })

  test('is missed with one warning where no thread may be started', async () => {
    // Else a watchdog that cannot be costs the program that it should watch.
    const run = watched([THRESHOLD_MS, 'kill', 'crunch', 'stop'], ['--permission', '--allow-fs-read=*'])
    expect(await run.closed).toEqual(ended)
    expect(run.lines()).toMatchObject([
      {
        level: 40,
        msg: 'no watchdog: a blocked event loop of this process will not be told of',
        err: { code: 'ERR_ACCESS_DENIED' },
      },
    ])
  })
})

/** As /proc says it: R, S, T for stopped. */
function stateOf({ pid }: ChildProcess): string | undefined {
  return /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
}

async function debuggerAt(url: string) {
  const socket = new WebSocket(url)
  await once(socket, 'open')
  const answers = new Map<number, () => void>()
  const heard = new Set<string>()
  let last = 0
  socket.addEventListener('message', ({ data }) => {
    const { id, method } = JSON.parse(String(data)) as { id?: number; method?: string }
    if (method !== undefined) heard.add(method)
    if (id !== undefined) answers.get(id)?.()
  })
  return {
    heard: (method: string) => heard.has(method),
    close: () => socket.close(),
    post: (method: string) =>
      new Promise<void>((resolve) => {
        const id = ++last
        answers.set(id, resolve)
        socket.send(JSON.stringify({ id, method }))
      }),
  }
}
