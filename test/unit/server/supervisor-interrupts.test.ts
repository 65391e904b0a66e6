/** What comes in the middle of something else: a stop that waits for a back-off, or a worker that nobody minds. */
import { describe, expect, test } from 'vitest'
import { MillhandError, ShutdownError } from '../../../src/core/errors.ts'
import { killAll } from '../../../src/server/shutdown.ts'
import { ScriptedMember } from './scripted-member.ts'
import { lives, minded, startAll } from './supervised.ts'
import { until } from '../../fixtures/until.ts'

const broke = new Error('broke')
const closing = new ShutdownError('the server is stopping')
const LONG = { backoffMs: 60_000, maxBackoffMs: 60_000 }

describe('when the supervisor is closed', () => {
  test('during a back-off, nobody waits for it and nobody is started', async () => {
    const member = new ScriptedMember('a')
    const { supervisor, logger } = minded(LONG, member)
    await startAll(supervisor)
    member.end(broke)
    await until(() => logger.lines.length > 0)
    supervisor.close(closing)
    await supervisor.ended()
    expect(member.lives).toBe(1)
  })

  test('during the back-off of a first start, that rejects with the reason', async () => {
    const member = new ScriptedMember('a', { starts: [broke] })
    const { supervisor, logger } = minded(LONG, member)
    const started = supervisor.start(member)
    await until(() => logger.lines.length > 0)
    supervisor.close(closing)
    await expect(started).rejects.toBe(closing)
    expect(member.lives).toBe(1)
  })

  test('during a restart, the start that is under way can be stopped, and is not repeated', async () => {
    const member = new ScriptedMember('a', { starts: [undefined, 'hangs'] })
    const { supervisor } = minded({}, member)
    await startAll(supervisor)
    member.end(broke)
    await lives(member, 2)
    supervisor.close(closing)
    await member.stop()
    await supervisor.ended()
    expect(member.lives).toBe(2)
  })

  test('and its workers killed in the midst of a recovery, none of them comes back', async () => {
    const [a, b] = [new ScriptedMember('a'), new ScriptedMember('b', { starts: [undefined, 'hangs'] })]
    const { supervisor, givenUp } = minded({ strategy: 'one-for-all' }, a, b)
    await startAll(supervisor)
    a.end(broke)
    await lives(b, 2)
    const cause = { kind: 'signal', error: new ShutdownError('again') } as const
    supervisor.close(cause.error)
    await killAll(supervisor.members, cause)
    await supervisor.ended()
    expect([a.isAlive, b.isAlive, a.lives, b.lives, givenUp]).toEqual([false, false, 2, 2, []])
  })

  test('nobody can be started or replaced, until it is opened anew with a clean record', async () => {
    const member = new ScriptedMember('a', { hasSurge: true })
    const { supervisor, givenUp } = minded({ intensity: 1 }, member)
    await startAll(supervisor)
    member.end(broke)
    await lives(member, 2)
    supervisor.close(closing)
    await expect(supervisor.renew(member)).rejects.toBe(closing)
    await member.stop()
    await expect(supervisor.start(member)).rejects.toBe(closing)
    supervisor.open()
    await supervisor.start(member)
    member.end(broke)
    await lives(member, 4)
    expect(givenUp).toEqual([])
  })

  test('a step that still hangs does not keep those of the next time waiting', async () => {
    const notes: string[] = []
    const a = new ScriptedMember('a', { notes, starts: [undefined, 'hangs'], hasSurge: true })
    const b = new ScriptedMember('b')
    const { supervisor } = minded({ strategy: 'one-for-all' }, a, b)
    await startAll(supervisor)
    void supervisor.renew(a)
    await until(() => notes.includes('surge a'))
    supervisor.close(closing)
    await Promise.all([a.stop(), b.stop()])
    supervisor.open()
    await startAll(supervisor)
    expect([a.isAlive, b.isAlive]).toEqual([true, true])
  })
})

describe('when one worker is ended for good', () => {
  test('during its back-off, it is not started and the others go on', async () => {
    const [a, b] = [new ScriptedMember('a'), new ScriptedMember('b')]
    const { supervisor, logger } = minded(LONG, a, b)
    await startAll(supervisor)
    a.end(broke)
    await until(() => logger.lines.length > 0)
    await supervisor.stop(a)
    supervisor.remove(a)
    b.end()
    await supervisor.ended()
    expect(a.lives).toBe(1)
  })

  test('during its restart, the new life ends too', async () => {
    const member = new ScriptedMember('a', { starts: [undefined, 'hangs'] })
    const { supervisor } = minded({}, member)
    await startAll(supervisor)
    member.end(broke)
    await lives(member, 2)
    await supervisor.stop(member)
    supervisor.remove(member)
    await supervisor.ended()
    expect([member.isAlive, member.lives]).toEqual([false, 2])
  })

  test('and does not hear it, it is killed at the deadline', async () => {
    const member = new ScriptedMember('a', { isDeaf: true, stopTimeoutMs: 10 })
    const { supervisor } = minded({}, member)
    await startAll(supervisor)
    await supervisor.stop(member)
    expect(member.kills).toMatchObject([{ kind: 'deadline' }])
    await supervisor.ended()
    expect(member.lives).toBe(1)
  })
})

describe('replacing a worker', () => {
  test('where there may be two, the new one is there first', async () => {
    const notes: string[] = []
    const member = new ScriptedMember('a', { notes, hasSurge: true })
    const { supervisor } = minded({}, member)
    await startAll(supervisor)
    await supervisor.renew(member)
    expect(notes).toEqual(['start a', 'surge a'])
  })

  test('where there cannot be two, the old one ends first', async () => {
    const notes: string[] = []
    const member = new ScriptedMember('a', { notes })
    const { supervisor } = minded({}, member)
    await startAll(supervisor)
    await supervisor.renew(member)
    expect(notes).toEqual(['start a', 'stop a', 'end a', 'start a'])
    expect(member.causes).toEqual([undefined])
  })

  test('by one that is not ready leaves the old one, and is told', async () => {
    const member = new ScriptedMember('a', { starts: [undefined, broke], hasSurge: true })
    const { supervisor } = minded({}, member)
    await startAll(supervisor)
    await expect(supervisor.renew(member)).rejects.toBe(broke)
    expect([member.isAlive, member.lives]).toEqual([true, 1])
  })

  test('that cannot start again is tried again like any failure', async () => {
    const member = new ScriptedMember('a', { starts: [undefined, broke] })
    const { supervisor } = minded({}, member)
    await startAll(supervisor)
    await expect(supervisor.renew(member)).rejects.toBe(broke)
    await lives(member, 3)
    expect(member.causes.at(-1)).toBe(broke)
  })

  test('that has just failed waits for its recovery', async () => {
    const member = new ScriptedMember('a', { hasSurge: true })
    const { supervisor } = minded({ backoffMs: 20, maxBackoffMs: 20 }, member)
    await startAll(supervisor)
    member.end(broke)
    await until(() => !member.isAlive)
    await supervisor.renew(member)
    expect([member.isAlive, member.lives]).toEqual([true, 3])
  })
})

describe('a worker that uses too much memory', () => {
  const tooMuch = new MillhandError('MEMORY_LIMIT', 'worker a uses 300 MiB')

  test('is ended in peace and started again at once after a healthy life, as often as need be', async () => {
    const member = new ScriptedMember('a')
    const { supervisor, givenUp, logger } = minded({ ...LONG, healthyMs: 0, intensity: 0 }, member)
    await startAll(supervisor)
    for (const life of [1, 2, 3]) {
      await lives(member, life)
      await until(() => {
        if (member.lives === life) supervisor.recycle(member, tooMuch)
        return member.lives > life
      })
    }
    expect(member.causes).toEqual([tooMuch, tooMuch, tooMuch])
    expect([member.kills, givenUp]).toEqual([[], []])
    expect(logger.messages('warn')[0]).toBe('worker a uses 300 MiB: it is recycled')
  })

  test('from its start on is no hot loop: it is given up in the end', async () => {
    const member = new ScriptedMember('a')
    const { supervisor, givenUp } = minded({ intensity: 2 }, member)
    await startAll(supervisor)
    await until(() => {
      supervisor.recycle(member, tooMuch)
      return givenUp.length > 0
    })
    expect(givenUp).toMatchObject([{ name: 'a', error: tooMuch }])
    expect([member.isAlive, member.lives]).toEqual([false, 3])
  })

  test('says so at each sign of life, but is recycled once', async () => {
    const gate = Promise.withResolvers<void>()
    const member = new ScriptedMember('a', { starts: [undefined, gate.promise] })
    const { supervisor, logger } = minded({}, member)
    await startAll(supervisor)
    for (let i = 0; i < 3; i++) supervisor.recycle(member, tooMuch)
    await lives(member, 2)
    supervisor.recycle(member, tooMuch)
    gate.resolve()
    await supervisor.renew(member)
    expect(logger.messages('warn').filter((line) => line.includes('recycled'))).toHaveLength(1)
  })
})
