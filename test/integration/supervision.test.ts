/** Children that crash, hang or grow: were they not seen and replaced, their work would stop in silence. */
import { afterEach, describe, expect, test } from 'vitest'
import type { PlacedPlan, Setting } from '../fixtures/server/minds.ts'
import { endAll, isRunning, run, type Running } from '../fixtures/server/running.ts'

afterEach(endAll)

const QUICK = { backoff: 1, maxBackoff: 10 } as const

async function minds(setting: Setting): Promise<Running> {
  const server = run('minds', JSON.stringify({ ...setting, server: { ...QUICK, ...setting.server } }))
  await server.printed('server ready')
  return server
}

async function pidOf(server: Running, name: string, life = 0): Promise<number> {
  const [, pid] = await server.printed(new RegExp(`up ${name} (\\d+) \\d+ ${life}\\.`))
  return Number(pid)
}

async function ends(server: Running, code = 0): Promise<void> {
  server.child.kill('SIGTERM')
  expect(await server.closed).toEqual({ code, signal: null })
}

const placements = ['thread', 'process'] as const

describe.each(placements)('a worker in a %s', (placement) => {
  const bad = (plan: PlacedPlan['plan'] & string, more: object = {}): Setting => ({
    workers: { bad: { in: placement, plan, ...more }, good: { in: placement } },
  })

  test('that throws where nobody catches is started again with the cause; the others run on', async () => {
    const server = await minds(bad('throws'))
    await server.printed('restart bad 1: bad threw in a timer')
    await pidOf(server, 'bad', 1)
    await ends(server)
    expect(server.out().match(/up good/g)).toHaveLength(1)
    expect(server.out()).toContain('drained bad')
  })

  test('that fails again and again is given up, loudly and as the last thing said', async () => {
    const server = await minds({ ...bad('fails'), server: { intensity: 2 } })
    await server.printed('server unhealthy, live false')
    await server.printed('the server is unhealthy')
    const last = server.log().trimEnd().split('\n').at(-1)!
    expect(JSON.parse(last)).toMatchObject({
      level: 50,
      worker: 'bad',
      err: { message: 'bad broke' },
      msg: 'worker bad failed again after 2 restarts within 30s and is given up: the server is unhealthy',
    })
    expect(server.out().match(/up bad/g)).toHaveLength(3)
    await ends(server, 1)
    expect(server.out()).toContain('drained good')
  })

  test('whose loop is blocked is seen, killed and replaced where that is wanted', async () => {
    const server = await minds(bad('blocks', { stallThreshold: 500, onStall: 'kill' }))
    const [, forMs] = await server.printed(/stalled bad for (\d+) ms/)
    expect(Number(forMs)).toBeGreaterThanOrEqual(500)
    await server.printed('killed bad: stalled')
    await server.printed(/restart bad 1: worker bad gave no sign of life/)
    await pidOf(server, 'bad', 1)
    await ends(server)
  })

  test('that grows is recycled before it takes anything down', async () => {
    // A process has 60 MiB or so from its start.
    const maxMemory = placement === 'thread' ? '60MiB' : '150MiB'
    const server = await minds(bad('grows', { maxMemory, stallThreshold: 1000 }))
    await server.printed(/restart bad 1: worker bad uses \d+ MiB, more than its maxMemory of/)
    await server.printed('asked bad')
    await pidOf(server, 'bad', 1)
    expect(server.log()).toMatch(/it is recycled/)
    await ends(server)
    expect(server.out()).not.toContain('killed')
  })
})

test('a process that is ended by SIGKILL is replaced, and it is said what ended it', async () => {
  const server = await minds({ workers: { a: { in: 'process' } }, group: 2 })
  const [a, other] = await Promise.all([pidOf(server, 'a'), pidOf(server, 'group-0')])
  process.kill(a, 'SIGKILL')
  await server.printed(/restart a 1: the process of worker a \(pid \d+\) was ended by SIGKILL/)
  const successor = await pidOf(server, 'a', 1)
  process.kill(other, 'SIGKILL')
  await server.printed(/restart group-0 1: /)
  await pidOf(server, 'group-0', 1)
  await ends(server)
  expect(await isRunning(successor)).toBe(false)
  expect(server.out().match(/up group-1/g)).toHaveLength(1)
})

test.each([
  ['one-for-all', ['asked c', 'drained c', 'asked a', 'drained a', 'up a', 'up b', 'up c']],
  ['rest-for-one', ['asked c', 'drained c', 'up b', 'up c']],
] as const)('with %s the others end and begin with it, in order', async (strategy, steps) => {
  const workers = { a: { in: 'process' }, b: { in: 'process' }, c: { in: 'thread' } } as const
  const server = await minds({ server: { strategy }, workers })
  const pids = await Promise.all(['a', 'b', 'c'].map((name) => pidOf(server, name)))
  const before = server.out().length
  process.kill(pids[1]!, 'SIGKILL')
  await server.printed(/up c \d+ \d+ 1\./)
  expect(
    server
      .out()
      .slice(before)
      .match(/(asked|drained|up) \w/g),
  ).toEqual(steps)
  await ends(server)
})

test('a crash that comes in a reload is dealt with, and both are over in the end', async () => {
  const server = await minds({ group: 3 })
  const pids = await Promise.all([0, 1, 2].map((slot) => pidOf(server, `group-${slot}`)))
  server.child.kill('SIGHUP')
  await server.printed('reloading the workers')
  process.kill(pids[2]!, 'SIGKILL')
  process.kill(pids[0]!, 'SIGKILL')
  await server.printed(/"msg":"(reloaded|the reload was given up)"/)
  await server.printed(/up group-2 \d+ \d+ [12]\./)
  await ends(server)
  expect(server.out()).not.toContain('unhealthy')
})
