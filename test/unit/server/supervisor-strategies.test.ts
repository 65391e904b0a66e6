/** Workers that need each other: a wrong order would start one before what it needs. */
import { describe, expect, test } from 'vitest'
import { ScriptedMember, type Script } from './scripted-member.ts'
import { lives, minded, startAll } from './supervised.ts'
import { until } from '../../fixtures/until.ts'

const broke = new Error('broke')

function three(scripts: Partial<Record<'a' | 'b' | 'c', Script>> = {}) {
  const notes: string[] = []
  const member = (name: 'a' | 'b' | 'c') => new ScriptedMember(name, { notes, ...scripts[name] })
  const [a, b, c] = [member('a'), member('b'), member('c')]
  return { notes, a, b, c }
}

describe('with one-for-all', () => {
  test('the others are stopped in reverse and all start again in order, knowing why', async () => {
    const { a, b, c, notes } = three()
    const { supervisor } = minded({ strategy: 'one-for-all' }, a, b, c)
    await startAll(supervisor)
    notes.length = 0
    b.end(broke)
    await lives(c, 2)
    expect(notes).toEqual(['failed b', 'stop c', 'end c', 'stop a', 'end a', 'start a', 'start b', 'start c'])
    expect(b.causes).toEqual([broke])
    expect(a.causes[0]?.message).toBe('worker b failed, with which it lives')
  })

  test('two that fail at once are one recovery', async () => {
    const { a, b, c } = three()
    const { supervisor, logger } = minded({ strategy: 'one-for-all' }, a, b, c)
    await startAll(supervisor)
    a.end(broke)
    c.end(broke)
    await Promise.all([a, b, c].map((member) => lives(member, 2)))
    // A later step, to see that nothing is left to do.
    await supervisor.renew(a)
    expect([a.lives, b.lives, c.lives]).toEqual([3, 2, 2])
    expect(logger.messages('warn')).toHaveLength(1)
  })

  test('one that fails while all are started again begins the next recovery', async () => {
    const { a, b, c } = three({ b: { starts: [undefined, broke] } })
    const { supervisor } = minded({ strategy: 'one-for-all' }, a, b, c)
    await startAll(supervisor)
    c.end(broke)
    await lives(c, 2)
    expect([a.lives, b.lives, c.lives]).toEqual([3, 3, 2])
    expect([a, b, c].every(({ isAlive }) => isAlive)).toBe(true)
  })

  test('when one is given up all end, in reverse, before that is told', async () => {
    const { a, b, c, notes } = three()
    const { supervisor, givenUp } = minded(
      { strategy: 'one-for-all', intensity: 0, onGiveUp: ({ name }) => void notes.push(`given up ${name}`) },
      a,
      b,
      c,
    )
    await startAll(supervisor)
    notes.length = 0
    b.end(broke)
    await supervisor.ended()
    expect(notes).toEqual(['failed b', 'stop c', 'end c', 'stop a', 'end a', 'given up b'])
    expect(givenUp).toEqual([])
  })

  test('one that has done its work is not started again with the others', async () => {
    const { a, b, c } = three()
    const { supervisor } = minded({ strategy: 'one-for-all' }, a, b, c)
    await startAll(supervisor)
    a.end()
    b.end(broke)
    await lives(c, 2)
    expect([a.isAlive, a.lives, b.lives]).toEqual([false, 1, 2])
  })

  test('a temporary one ends with the others and is not started again', async () => {
    const { a, b, c } = three({ c: { restart: 'temporary' } })
    const { supervisor } = minded({ strategy: 'one-for-all' }, a, b, c)
    await startAll(supervisor)
    a.end(broke)
    await lives(b, 2)
    await until(() => !c.isAlive)
    expect(c.lives).toBe(1)
  })

  test('a failure while others are started first waits for its turn, so that the order is kept', async () => {
    const gate = Promise.withResolvers<void>()
    const { a, b, c, notes } = three({ b: { starts: [gate.promise] } })
    const { supervisor } = minded({ strategy: 'one-for-all' }, a, b, c)
    const started = startAll(supervisor)
    await until(() => b.isAlive)
    a.end(broke)
    gate.resolve()
    await started
    expect(notes).toEqual([
      'start a',
      'start b',
      'failed a',
      'stop b',
      'end b',
      'start a',
      'start b',
      'start c',
    ])
    expect([c.lives, c.causes]).toEqual([1, []])
  })

  test('one that is given up while others are started makes their start fail', async () => {
    const gate = Promise.withResolvers<void>()
    const { a, b, c } = three({ b: { starts: [gate.promise] } })
    const { supervisor, givenUp } = minded({ strategy: 'one-for-all', intensity: 0 }, a, b, c)
    const started = startAll(supervisor)
    await until(() => b.isAlive)
    a.end(broke)
    gate.resolve()
    await expect(started).rejects.toBe(broke)
    expect([givenUp.length, b.isAlive, c.lives]).toEqual([1, false, 0])
  })

  test('one that cannot be ended makes all be given up, not go on in halves', async () => {
    const { a, b, c } = three()
    // Inline code that hangs: neither a stop nor a kill ends it.
    Object.assign(b, { stop: () => new Promise(() => {}), kill: () => Promise.resolve() })
    const start = b.start.bind(b)
    Object.assign(b, {
      start: () => (b.isAlive ? Promise.reject(new Error('has not ended')) : start()),
    })
    const { supervisor, givenUp } = minded({ strategy: 'one-for-all' }, a, b, c)
    await startAll(supervisor)
    c.end(broke)
    await until(() => givenUp.length > 0)
    expect(givenUp).toMatchObject([{ name: 'b', reason: 'does not end' }])
    expect([a.isAlive, c.isAlive]).toEqual([false, false])
  })
})

describe('with rest-for-one', () => {
  test('those that were added after it are stopped in reverse and started in order', async () => {
    const { a, b, c, notes } = three()
    const { supervisor } = minded({ strategy: 'rest-for-one' }, a, b, c)
    await startAll(supervisor)
    notes.length = 0
    b.end(broke)
    await lives(c, 2)
    expect(notes).toEqual(['failed b', 'stop c', 'end c', 'start b', 'start c'])
    expect(a.lives).toBe(1)
  })

  test('when one is given up those after it end, and those before it go on', async () => {
    const { a, b, c } = three()
    const { supervisor, givenUp } = minded({ strategy: 'rest-for-one', intensity: 0 }, a, b, c)
    await startAll(supervisor)
    b.end(broke)
    await until(() => givenUp.length > 0)
    expect([a.isAlive, b.isAlive, c.isAlive]).toEqual([true, false, false])
  })

  test('one that cannot start again takes those after it along, and they start when it does', async () => {
    const { a, b, c, notes } = three({ b: { starts: [undefined, broke] } })
    const { supervisor } = minded({ strategy: 'rest-for-one' }, a, b, c)
    await startAll(supervisor)
    notes.length = 0
    a.end(broke)
    await lives(c, 2)
    expect(notes.filter((note) => note.startsWith('start'))).toEqual([
      'start a',
      'start b',
      'start b',
      'start c',
    ])
  })
})
