import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { balance } from '../../../../src/stream/source/balance.ts'

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
const shards = fc.integer({ min: 1, max: 64 })
const members = fc.subarray(NAMES, { minLength: 1 })
/** Who owns what, some of them gone, some shards free. */
const situation = fc.tuple(shards, members).chain(([count, present]) =>
  fc.record({
    count: fc.constant(count),
    present: fc.constant(present),
    owners: fc
      .array(fc.option(fc.constantFrom(...NAMES)), { minLength: count, maxLength: count })
      .map((list) => new Map(list.flatMap((owner, shard) => (owner === null ? [] : [[shard, owner]])))),
  }),
)

function counts(owners: Iterable<string>, present: readonly string[]): number[] {
  const all = [...owners]
  return present.map((member) => all.filter((owner) => owner === member).length)
}

describe('the balance of shards', () => {
  test('gives each shard to a member, and no member more than one more than another', () => {
    fc.assert(
      fc.property(situation, ({ count, present, owners }) => {
        const wanted = balance(count, present, owners)
        expect(wanted).toHaveLength(count)
        expect(wanted.every((owner) => present.includes(owner))).toBe(true)
        const each = counts(wanted, present)
        expect(Math.max(...each) - Math.min(...each)).toBeLessThanOrEqual(1)
      }),
    )
  })

  test('takes no shard from a member that is there, unless it must', () => {
    fc.assert(
      fc.property(situation, ({ count, present, owners }) => {
        const wanted = balance(count, present, owners)
        const moved = [...owners].filter(
          ([shard, owner]) => present.includes(owner) && wanted[shard] !== owner,
        ).length
        // However the larger parts are dealt: whoever has more than its part must give up the rest.
        const had = counts(owners.values(), present).toSorted((a, b) => b - a)
        const least = Math.floor(count / present.length)
        const larger = count % present.length
        const must = had.reduce((sum, n, at) => sum + Math.max(0, n - (at < larger ? least + 1 : least)), 0)
        expect(moved).toBe(must)
      }),
    )
  })

  test('is the same for all, in whatever order they see it, and stays when it is reached', () => {
    fc.assert(
      fc.property(situation, ({ count, present, owners }) => {
        const wanted = balance(count, present, owners)
        const reversed = new Map([...owners].toReversed())
        expect(balance(count, present.toReversed(), reversed)).toEqual(wanted)
        expect(balance(count, present, new Map(wanted.entries()))).toEqual(wanted)
      }),
    )
  })

  test('is reached when each member does its part at any time, seeing what was so a while ago', () => {
    const step = fc.record({ who: fc.nat(NAMES.length - 1), isLate: fc.boolean() })
    fc.assert(
      fc.property(situation, fc.array(step, { maxLength: 40 }), ({ count, present, owners }, steps) => {
        // Leases of those that are gone have run out.
        const now = new Map([...owners].filter(([, owner]) => present.includes(owner)))
        let before = new Map(now)
        const act = (member: string, view: ReadonlyMap<number, string>): void => {
          const wanted = balance(count, present, view)
          const seen = new Map(now)
          for (let shard = 0; shard < count; shard++) {
            if (wanted[shard] !== member && now.get(shard) === member) now.delete(shard)
            // The server gives what is free, and nothing else.
            if (wanted[shard] === member && view.get(shard) === undefined && !now.has(shard))
              now.set(shard, member)
          }
          before = seen
        }
        for (const { who, isLate } of steps) act(present[who % present.length]!, isLate ? before : now)
        for (let round = 0; round < 4; round++) for (const member of present) act(member, now)
        expect(balance(count, present, now)).toEqual(
          [...now.entries()].toSorted(([a], [b]) => a - b).map(([, owner]) => owner),
        )
        expect(now.size).toBe(count)
      }),
    )
  })

  test('with more members than shards leaves some without', () => {
    expect(balance(1, ['b', 'a'], new Map([[0, 'b']]))).toEqual(['b'])
    expect(balance(2, ['a', 'b', 'c'], new Map())).toEqual(['a', 'b'])
  })
})
