import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { file, REMOTE } from '../fixtures/placement/placed.ts'
import { until } from '../fixtures/until.ts'

const PARENT = fileURLToPath(new URL('../fixtures/placement/parent.ts', import.meta.url))
const children = new Set<ChildProcess>()

afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
})

/** Node in a process group of its own, with what it prints. */
function run(...args: string[]) {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
    detached: true,
  })
  children.add(child)
  const seen = { out: 0, tail: '', log: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    seen.out += chunk.length
    seen.tail = (seen.tail + chunk.toString()).slice(-100)
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (seen.log += chunk))
  const closed = once(child, 'close').then(([code, signal]) => ({ code, signal }))
  const up = async (): Promise<number> => {
    const [, pid] = await until(() => /up (\d+)/.exec(seen.log), {
      what: 'the worker to be up',
    })
    return Number(pid)
  }
  return { child, seen, closed, up }
}

function parent(...args: string[]) {
  return run('--conditions=millhand-source', PARENT, ...args)
}

/** False also when only the entry is left that its parent has not taken note of. */
function runs(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** Resolves to how long it took, ms. */
async function gone(pid: number): Promise<number> {
  const from = performance.now()
  await until(() => !runs(pid), { what: `process ${pid} to be gone` })
  return performance.now() - from
}

describe('a process whose parent is gone', () => {
  test.each([
    // Below the two seconds after which it would be ended.
    ['stops by itself', 'wait', 1_900],
    ['ends also when its main ignores the stop', 'never', Infinity],
  ])('%s', async (_what, main, withinMs) => {
    let ms = Infinity
    // A busy machine may be late, and not each time; one that waits to be ended always is.
    for (let n = 0; n < 5 && !(ms < withinMs); n++) {
      const { child, up } = parent('process', main)
      const pid = await up()
      expect(runs(pid)).toBe(true)
      child.kill('SIGKILL')
      ms = await gone(pid)
    }
    expect(ms).toBeLessThan(withinMs)
  })

  test('also when its parent ended by process.exit()', async () => {
    const probe = new URL('../fixtures/placement/probe.ts', import.meta.url).href
    const handle = new URL('../../src/worker/handle.ts', import.meta.url).href
    const main = file(`
      import { ProcessProbe } from '${probe}'
      import { WorkerHandle } from '${handle}'
      const handle = new WorkerHandle(ProcessProbe)
      await handle.start()
      process.stderr.write('up ' + handle.status().pid + '\\n', () => process.exit(4))
    `)
    const { closed, up } = run('--conditions=millhand-source', fileURLToPath(main))
    const pid = await up()
    expect(await closed).toEqual({ code: 4, signal: null })
    await gone(pid)
  })
})

test('Ctrl-C at the whole group reaches only the parent: its process goes on until it is asked to stop', async () => {
  const main = file(`
    import { WorkerHandle } from '${new URL('../../src/worker/handle.ts', import.meta.url).href}'
    import { ProcessProbe } from '${new URL('../fixtures/placement/probe.ts', import.meta.url).href}'
    const handle = new WorkerHandle(ProcessProbe, { teardown: 'slowly' })
    const said = []
    handle.events.on('message', ({ message }) => said.push(message))
    process.on('SIGINT', async () => {
      await handle.stop()
      process.stderr.write(handle.state + ' ' + said.join(', ') + '\\n')
    })
    await handle.start()
    process.stderr.write('up ' + handle.status().pid + '\\n')
  `)
  const { child, closed, seen, up } = run('--conditions=millhand-source', fileURLToPath(main))
  await up()
  process.kill(-child.pid!, 'SIGINT')
  expect(await closed).toEqual({ code: 0, signal: null })
  expect(seen.log).toContain('stopped lifecycle startup, slowly done, lifecycle shutdown')
})

describe.each(REMOTE)('the output of a %s', (remote) => {
  test('comes whole, however much it is', async () => {
    const { closed, seen } = parent(remote, 'print')
    expect(await closed).toEqual({ code: 0, signal: null })
    expect(seen.log).toContain('ended stopped')
    expect(seen.tail).toMatch(/the last line\n$/)
    expect(seen.out).toBe(40_000 * 100 + 'the last line\n'.length)
  })

  test('may have nobody who reads it', async () => {
    const { child, closed, seen } = parent(remote, 'print')
    child.stdout.destroy()
    expect(await closed).toEqual({ code: 0, signal: null })
    expect(seen.log).toContain('ended stopped')
  })
})

describe.each(REMOTE)('a %s of a program', (remote) => {
  const body = `
    import { ${remote === 'thread' ? 'ThreadProbe' : 'ProcessProbe'} as Probe } from '${new URL('../fixtures/placement/probe.ts', import.meta.url).href}'
    import { WorkerHandle } from '${new URL('../../src/worker/handle.ts', import.meta.url).href}'
    const handle = new WorkerHandle(Probe)
    await handle.start()
    await handle.stop()
    process.stderr.write('state ' + handle.state + '\\n')
  `

  test('that was given on the command line', async () => {
    const { closed, seen } = run('--conditions=millhand-source', '--input-type=module', '-e', body)
    expect(await closed).toEqual({ code: 0, signal: null })
    expect(seen.log).toContain('state stopped')
  })

  test('that has flags of V8, a debugger and a preload', async () => {
    const preload = file('', 'preload.cjs')
    const { closed, seen } = run(
      ...['--conditions=millhand-source', '--max-old-space-size=200', '--inspect=127.0.0.1:0'],
      ...['--require', fileURLToPath(preload), fileURLToPath(file(body))],
    )
    expect(await closed).toEqual({ code: 0, signal: null })
    expect(seen.log).toContain('state stopped')
    expect(seen.log.match(/Debugger listening/g)).toHaveLength(1)
  })
})
