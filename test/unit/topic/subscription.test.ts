import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareSpecificity, covers, Overlaps } from '../../../src/topic/overlap.ts'
import type { RouteDefaults } from '../../../src/topic/route-options.ts'
import { Router } from '../../../src/topic/router.ts'
import type { Subscription } from '../../../src/topic/subscription.ts'
import { parseFilter } from '../../../src/topic/topic-filter.ts'
import { bySpecificity, filters, matches, topics } from './filters.ts'
import { deliveryOf, messageOf } from './messages.ts'

const levelsOf = (filter: string) => parseFilter(filter).levels

describe('filters', () => {
  it('that share a topic overlap', () => {
    fc.assert(
      fc.property(fc.uniqueArray(filters, { minLength: 1, maxLength: 12 }), topics, (all, topic) => {
        const overlaps = new Overlaps<string>()
        for (const filter of all) overlaps.add(levelsOf(filter), filter)
        const matching = all.filter((filter) => matches(filter, topic))
        for (const filter of matching)
          expect(overlaps.of(levelsOf(filter))).toEqual(expect.arrayContaining(matching))
      }),
    )
  })

  it.each([
    ['a/+', 'b/+', false],
    ['a/b', 'a/b/c', false],
    ['a', 'a/#', true],
    ['+/b', 'a/+', true],
    ['#', '$SYS/a', false],
    ['+/$x', '#', true],
    ['$SYS/#', '$SYS/+/a', true],
  ])('%s and %s overlap: %s', (one, other, wanted) => {
    for (const [a, b] of [
      [one, other],
      [other, one],
    ]) {
      const overlaps = new Overlaps<string>()
      overlaps.add(levelsOf(a!), a!)
      expect(overlaps.of(levelsOf(b!))).toEqual(wanted ? [a] : [])
    }
  })

  it('that cover others match all of their topics', () => {
    fc.assert(
      fc.property(filters, filters, topics, (wide, narrow, topic) => {
        if (covers(levelsOf(wide), levelsOf(narrow)) && matches(narrow, topic)) {
          expect(matches(wide, topic)).toBe(true)
        }
      }),
      { numRuns: 2000 },
    )
    expect(covers(levelsOf('a/#'), levelsOf('a'))).toBe(true)
    expect(covers(levelsOf('a/+'), levelsOf('a/#'))).toBe(false)
    expect(covers(levelsOf('#'), levelsOf('$SYS/a'))).toBe(false)
  })

  it('are ordered as matches are', () => {
    fc.assert(
      fc.property(filters, filters, (a, b) => {
        const compared = Math.sign(compareSpecificity(levelsOf(a), levelsOf(b)))
        const wanted = Math.sign(bySpecificity(a, b))
        // Where they cannot match the same topic, any order will do.
        if (wanted !== 0 && a.split('/').length === b.split('/').length) expect(compared).toBe(wanted)
      }),
    )
  })
})

function subscriptionsOf(routes: Record<string, RouteDefaults>): readonly Subscription[] {
  const router = new Router()
  for (const [filter, options] of Object.entries(routes)) router.on(filter, () => {}, options)
  return router.dispatcher().subscriptions()
}

describe('subscriptions', () => {
  it('leave out what another one alike covers, and have the highest QoS of what they cover', () => {
    const found = subscriptionsOf({ 'a/b': { qos: 2 }, 'a/{x}': { qos: 0 }, 'a/b/c': {}, d: {} })
    expect(found.map(({ filter, qos, id }) => [filter, qos, id])).toEqual([
      ['d', 1, undefined],
      ['a/b/c', 1, undefined],
      ['a/+', 2, undefined],
    ])
    expect(found.at(-1)!.routes.map(({ filter }) => filter)).toEqual(['a/{x}', 'a/b'])
  })

  it('stand beside one that covers them and is of another kind', () => {
    const found = subscriptionsOf({
      '#': {},
      a: { shared: true },
      b: { retained: 'always' },
      c: { shared: true, workerCount: 2 },
    })
    expect(found.map(({ filter }) => filter)).toEqual(['a', 'b', 'c', '#'])
    expect(new Set(found.map(({ id }) => id)).size).toBe(4)
  })

  it('that overlap have identifiers that MQTT allows, which change with what they overlap', () => {
    const before = subscriptionsOf({ 'a/+/c': {}, 'a/b/+': {}, x: {} })
    const after = subscriptionsOf({ 'a/+/c': {}, 'a/b/+': {}, x: {}, '+/b/c': {} })
    const ids = (all: readonly Subscription[]) =>
      Object.fromEntries(all.map(({ filter, id }) => [filter, id]))
    for (const id of Object.values(ids(after))) if (id !== undefined) expect(id).toBeLessThan(268_435_456)
    expect(ids(before)).toEqual({ 'a/+/c': expect.any(Number), 'a/b/+': expect.any(Number), x: undefined })
    expect(ids(after)['x']).toBeUndefined()
    expect(ids(after)['a/+/c']).not.toBe(ids(before)['a/+/c'])
    expect(ids(subscriptionsOf({ x: {}, 'a/b/+': {}, 'a/+/c': {} }))).toEqual(ids(before))
  })

  it('bring each message to one route, whichever of the copies comes first', () => {
    const kinds = fc.record({ shared: fc.boolean(), workerCount: fc.integer({ min: 1, max: 2 }) })
    const routes = fc.uniqueArray(fc.tuple(filters, kinds), { selector: ([filter]) => filter, maxLength: 8 })
    fc.assert(
      fc.property(routes, topics, (all, topic) => {
        const handled: string[] = []
        const router = new Router()
        for (const [filter, options] of all) router.on(filter, () => void handled.push(filter), options)
        const dispatcher = router.dispatcher()
        // A broker sends a copy for each subscription that matches.
        for (const { filter, id } of dispatcher.subscriptions()) {
          if (!matches(filter, topic)) continue
          const subscriptionIds = id === undefined ? {} : { subscriptionIds: [id] }
          void dispatcher.dispatch(messageOf(topic, '1', subscriptionIds), deliveryOf())
        }
        const wanted = [true, false].flatMap((shared) =>
          all
            .filter(([filter, options]) => options.shared === shared && matches(filter, topic))
            .map(([filter]) => filter)
            .sort(bySpecificity)
            .slice(0, 1),
        )
        expect(handled.sort()).toEqual(wanted.sort())
      }),
      { numRuns: 1000 },
    )
  })

  it('are those that a worker serves', () => {
    const router = new Router().on('a', () => {}, { shared: true }).on('b', () => {})
    const found = router.dispatcher().subscriptions(({ shared }) => shared)
    expect(found.map(({ filter }) => filter)).toEqual(['a'])
  })
})
