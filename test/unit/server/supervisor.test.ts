/** One worker that fails: were it not started again, or without end, its work would stop or the machine burn. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { InvalidOptionError } from '../../../src/core/errors.ts'
import { ScriptedMember } from './scripted-member.ts'
import { lives, minded, startAll } from './supervised.ts'
import { until } from '../../fixtures/until.ts'

const broke = new Error('broke')

afterEach(() => void vi.restoreAllMocks())

/** @returns what moves the clock of the supervisor on. A life is healthy after a minute. */
function clockThatJumps(): (ms: number) => void {
  const monotonic = systemClock.monotonic.bind(systemClock)
  let ahead = 0
  vi.spyOn(systemClock, 'monotonic').mockImplementation(() => monotonic() + ahead)
  return (ms) => void (ahead += ms)
}

describe('a worker that ends', () => {
  test('is started again when it failed, and is told why', async () => {
    const member = new ScriptedMember('a')
    const { supervisor, logger } = minded({}, member)
    await startAll(supervisor)
    member.end(broke)
    await lives(member, 2)
    expect(member.causes).toEqual([broke])
    expect(logger.messages('warn')).toEqual([
      expect.stringMatching(/^worker a failed: it is started again in \dms$/),
    ])
  })

  test('transient: is left when it ended in peace, and then everything has ended', async () => {
    const member = new ScriptedMember('a')
    const { supervisor, givenUp } = minded({}, member)
    await startAll(supervisor)
    member.end()
    await supervisor.ended()
    expect([member.lives, givenUp]).toEqual([1, []])
  })

  test('permanent: is started again when it ended in peace', async () => {
    const member = new ScriptedMember('a', { restart: 'permanent' })
    const { supervisor } = minded({}, member)
    await startAll(supervisor)
    member.end()
    await lives(member, 2)
    expect(member.causes).toEqual([undefined])
  })

  test('temporary: is left when it failed', async () => {
    const member = new ScriptedMember('a', { restart: 'temporary' })
    const { supervisor, givenUp } = minded({}, member)
    await startAll(supervisor)
    member.end(broke)
    await supervisor.ended()
    expect([member.lives, givenUp, supervisor.failed()]).toEqual([1, [], [member]])
  })

  test('is started again after a restart that fails', async () => {
    const member = new ScriptedMember('a', { starts: [undefined, broke, broke] })
    const { supervisor } = minded({}, member)
    await startAll(supervisor)
    member.end(new Error('first'))
    await lives(member, 4)
    expect(member.causes.map((cause) => cause?.message)).toEqual(['first', 'broke', 'broke'])
  })

  test('at the moment of its start is started again, too', async () => {
    const member = new ScriptedMember('a')
    const { supervisor } = minded({}, member)
    const started = supervisor.start(member)
    await until(() => member.isAlive)
    member.end(broke)
    await started
    await lives(member, 2)
  })

  test('does not disturb another that fails in the same moment', async () => {
    const members = ['a', 'b', 'c'].map((name) => new ScriptedMember(name))
    const { supervisor } = minded({}, ...members)
    await startAll(supervisor)
    for (const member of members) member.end(broke)
    let hasEnded = false
    void supervisor.ended().then(() => (hasEnded = true))
    await Promise.all(members.map((member) => lives(member, 2)))
    expect(hasEnded).toBe(false)
  })
})

describe('a worker that fails too often', () => {
  test('is given up after its restarts, once and with the last error, while the others go on', async () => {
    const [bad, good] = [new ScriptedMember('bad'), new ScriptedMember('good')]
    const { supervisor, givenUp, logger } = minded({ intensity: 2 }, bad, good)
    await startAll(supervisor)
    for (const life of [1, 2, 3]) {
      await lives(bad, life)
      bad.end(new Error(`failure ${life}`))
    }
    await until(() => givenUp.length > 0)
    expect(givenUp).toMatchObject([
      { name: 'bad', error: { message: 'failure 3' }, reason: 'failed again after 2 restarts within 1m' },
    ])
    expect(logger.messages('warn')).toHaveLength(2)
    expect([bad.isAlive, good.isAlive, good.lives]).toEqual([false, true, 1])
    expect(supervisor.failed()).toEqual([bad])
  })

  test('permanent, but always ends in peace: is given up with an error that says so', async () => {
    const member = new ScriptedMember('a', { restart: 'permanent' })
    const { supervisor, givenUp } = minded({ intensity: 1 }, member)
    await startAll(supervisor)
    member.end()
    await lives(member, 2)
    member.end()
    await until(() => givenUp.length > 0)
    expect(givenUp[0]?.error.message).toBe(
      'worker a has ended again after 1 restart within 1m, although it is permanent',
    )
  })

  test('counts anew when the period is over', async () => {
    const member = new ScriptedMember('a')
    const { supervisor, givenUp } = minded({ intensity: 1, periodMs: 20 }, member)
    await startAll(supervisor)
    for (const life of [1, 2, 3, 4]) {
      await lives(member, life)
      const since = performance.now()
      await until(() => performance.now() - since > 25)
      member.end(broke)
    }
    await lives(member, 5)
    expect(givenUp).toEqual([])
  })

  test('waits longer each time, and shortly again after a healthy life', async () => {
    const member = new ScriptedMember('a')
    const later = clockThatJumps()
    const { supervisor, logger } = minded({ backoffMs: 4, maxBackoffMs: 60_000 }, member)
    const waits = (): number[] =>
      logger.messages('warn').map((line) => Number(/in (\d+)ms/.exec(line)?.[1] ?? Number.NaN))
    await startAll(supervisor)
    for (const life of [1, 2, 3]) {
      await lives(member, life)
      member.end(broke)
    }
    await lives(member, 4)
    later(60_001)
    member.end(broke)
    await lives(member, 5)
    const [first, second, third, healthy] = waits()
    for (const [wait, full] of [
      [first, 4],
      [second, 8],
      [third, 16],
      [healthy, 4],
    ] as const) {
      expect(wait).toBeGreaterThanOrEqual(full / 2)
      expect(wait).toBeLessThanOrEqual(full)
    }
  })

  test('is not healthy for the life that its predecessor had', async () => {
    const member = new ScriptedMember('a', { hasSurge: true })
    const later = clockThatJumps()
    const { supervisor, logger } = minded({ backoffMs: 8, maxBackoffMs: 60_000 }, member)
    await startAll(supervisor)
    member.end(broke)
    await lives(member, 2)
    later(60_001)
    await supervisor.renew(member)
    member.end(broke)
    await lives(member, 4)
    expect(logger.messages('warn').at(-1)).toMatch(/in (8|9|1\d)ms/)
  })
})

describe('a first start that fails', () => {
  test('is tried again until it succeeds', async () => {
    const member = new ScriptedMember('a', { starts: [broke, broke] })
    const { supervisor } = minded({}, member)
    await supervisor.start(member)
    expect([member.lives, member.isAlive, member.causes]).toEqual([3, true, [broke, broke]])
  })

  test('rejects with the last error when it is given up, and is not tried by anybody else', async () => {
    const member = new ScriptedMember('a', { starts: [broke, broke, broke] })
    const { supervisor, givenUp } = minded({ intensity: 2 }, member)
    await expect(supervisor.start(member)).rejects.toBe(broke)
    await supervisor.ended()
    expect([member.lives, givenUp]).toEqual([3, []])
  })

  test('is not tried again when the program is wrong', async () => {
    const wrong = new InvalidOptionError('root', 'expected root to be a text')
    const member = new ScriptedMember('a', { starts: [wrong], restart: 'permanent' })
    await expect(minded({}, member).supervisor.start(member)).rejects.toBe(wrong)
    expect(member.lives).toBe(1)
  })

  test('of a temporary worker is its only one', async () => {
    const member = new ScriptedMember('a', { starts: [broke], restart: 'temporary' })
    await expect(minded({}, member).supervisor.start(member)).rejects.toBe(broke)
    expect(member.lives).toBe(1)
  })
})
