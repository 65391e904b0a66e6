/** A pool has as many workers as its work needs, leaves nothing behind, and keeps no process alive for nothing. */
import { spawn } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { fixture, newPath, PLACEMENTS, poolOfTasks } from '../fixtures/pool/pools.ts'
import { until } from '../fixtures/until.ts'

describe.each(PLACEMENTS)('a pool of a %s', (placement) => {
  test('grows while tasks wait and shrinks when they are done', async () => {
    const pool = poolOfTasks({ placement, min: 1, max: 3, idleTimeout: 100, growAfter: 5 })
    await pool.start()
    expect(pool.stats().workers).toBe(1)
    const end = newPath()
    const calls = Promise.all(Array.from({ length: 20 }, () => pool.run('waitUntil', [end])))
    await until(() => pool.stats().workers === 3)
    writeFileSync(end, '')
    await calls
    await until(() => pool.stats().workers === 1)
    expect(pool.stats()).toMatchObject({ crashes: 0, completed: 20 })
  })

  test('grows also when everything was sent before it was known to be long', async () => {
    const pool = poolOfTasks({ placement, min: 1, max: 2, growAfter: 5 })
    await pool.start()
    const end = newPath()
    const long = pool.submit('spinUntil', [end])
    const behind = pool.run('spin', [0])
    await until(() => pool.stats().workers === 2)
    await behind
    expect(long.isComplete).toBe(false)
    writeFileSync(end, '')
  })

  test('can be resized while it works', async () => {
    const pool = poolOfTasks({ placement, min: 1, max: 1 })
    const calls = Promise.all(Array.from({ length: 100 }, () => pool.run('wait', [5])))
    pool.resize(3)
    await until(() => pool.stats().workers === 3 && pool.stats().starting === 0)
    pool.resize(1, 2)
    await until(() => pool.stats().workers <= 2)
    await calls
    expect(pool.stats()).toMatchObject({ crashes: 0, failed: 0, completed: 100 })
  })

  test('replaces a worker after so many tasks, exactly', async () => {
    const pool = poolOfTasks({ placement, min: 1, max: 1, maxTasksPerWorker: 5 })
    const who = await Promise.all(Array.from({ length: 20 }, () => pool.run('whoAmI')))
    const counts = new Map<string, number>()
    for (const each of who) counts.set(each, (counts.get(each) ?? 0) + 1)
    expect([...counts.values()]).toEqual([5, 5, 5, 5])
    expect(pool.stats().crashes).toBe(0)
  })

  test('replaces a worker that has grown too large', async () => {
    const pool = poolOfTasks({ placement, min: 1, max: 1, maxMemory: '150MiB' })
    const before = await pool.run('whoAmI')
    await pool.run('keep', [160])
    await until(async () => (await pool.run('whoAmI')) !== before)
    expect(pool.stats().crashes).toBe(0)
  })

  test('leaves no handle, listener or file behind', async () => {
    const life = async (): Promise<void> => {
      const pool = poolOfTasks({ placement })
      await Promise.all(Array.from({ length: 50 }, () => pool.run('noop')))
      await pool.run('exit', [1]).catch(() => {})
      await pool.close()
    }
    await life()
    await until(() => process.getActiveResourcesInfo().length > 0)
    const openFiles = (): number => readdirSync('/proc/self/fd').length
    const before = { files: openFiles(), listeners: process.eventNames().length }
    for (let n = 0; n < 3; n++) await life()
    await until(() => openFiles() <= before.files, { what: 'all files to be closed' })
    expect(process.eventNames()).toHaveLength(before.listeners)
  })
})

/** Runs a program with a pool. @returns how it ended and what it wrote. */
async function runProgram(code: string, forMs = 50_000): Promise<{ code: number | null; out: string }> {
  const program = `
    import { WorkerPool } from ${JSON.stringify(new URL('../../src/pool/index.ts', import.meta.url).href)}
    const make = (options) => new WorkerPool(${JSON.stringify(fixture('tasks.ts').href)}, options)
    ${code}`
  const args = ['--conditions=millhand-source', '--input-type=module', '--eval', program]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk))
  const timer = setTimeout(() => child.kill('SIGKILL'), forMs)
  const exit = await new Promise<number | null>((resolve) => child.on('close', resolve))
  clearTimeout(timer)
  return { code: exit, out }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe.each(PLACEMENTS)('a program with a pool of a %s', (placement) => {
  test('ends when nothing but the idle pool is left', async () => {
    const { code, out } = await runProgram(`
      const pool = make({ placement: '${placement}', min: 1, max: 2 })
      console.log(await pool.run('add', [1, 2]))`)
    expect({ code, out }).toEqual({ code: 0, out: '3\n' })
  })

  test('does not end while it waits for a task, a start or a close', async () => {
    const { code, out } = await runProgram(`
      const pool = make({ placement: '${placement}', min: 1, max: 1 })
      await pool.start()
      console.log('started')
      pool.run('wait', [200]).then((ms) => console.log(ms))
      await pool.close()
      console.log('closed')`)
    expect({ code, out }).toEqual({ code: 0, out: 'started\n200\nclosed\n' })
  })

  test('leaves no worker behind, not even one that hangs', async () => {
    const { code, out } = await runProgram(`
      const pool = make({ placement: '${placement}', min: 1, max: 1 })
      console.log((await pool.run('whoAmI')).split(':')[0])
      pool.submit('hang')
      setTimeout(() => process.exit(4), 50)`)
    expect(code).toBe(4)
    const pid = Number(out)
    if (placement === 'process') await until(() => !isThere(pid))
  })
})

test('an idle pool has no timer that keeps its process alive', async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  // Seen from inside of the wait, which has timers of its own.
  const before = await until(() => ({ timers: timers() }))
  const pool = poolOfTasks({ min: 1, max: 1 })
  await pool.run('noop')
  await until(() => timers() <= before.timers, { what: 'the timers of the pool to be gone' })
})
