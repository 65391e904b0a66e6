import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseFilter } from '../../../src/topic/topic-filter.ts'
import { TopicReader } from '../../../src/topic/topic-reader.ts'
import { Trie } from '../../../src/topic/trie.ts'
import { bySpecificity, filters, matches, topics } from './filters.ts'

function trieOf(all: readonly string[]): Trie {
  const levels = all.map((filter) => parseFilter(filter).levels)
  return new Trie(levels, new TopicReader(Math.max(1, ...levels.map(({ length }) => length))))
}

/** All filters that match, in the order in which the trie gives them. */
function found(all: readonly string[], topic: string): string[] {
  const trie = trieOf(all)
  const names: string[] = []
  for (;;) {
    const index = trie.match(topic, names.length)
    if (index < 0) return names
    names.push(all[index]!)
  }
}

describe('a trie of topic filters', () => {
  it('finds what the specification says, the most specific first', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(filters, { maxLength: 20 }),
        fc.array(topics, { maxLength: 10 }),
        (all, asked) => {
          for (const topic of asked) {
            const wanted = all.filter((filter) => matches(filter, topic)).sort(bySpecificity)
            expect(found(all, topic)).toEqual(wanted)
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  it.each([
    ['a/b', ['a/b', 'a/+', 'a/#', '+/b', '+/+', '+/#', '#']],
    ['a', ['a', 'a/#', '+', '+/#', '#']],
    ['a/', ['a/', 'a/+', 'a/#', '+/+', '+/#', '#']],
    ['/', ['/+', '+/+', '+/#', '#']],
    ['a/b/c/d/e/f/g/h', ['a/#', '+/#', '#']],
    ['$SYS/a', ['$SYS/a', '$SYS/#']],
    ['$other', []],
  ])('%s', (topic, wanted) => {
    const all = ['#', '+/#', 'a/#', '+', '+/+', '/+', '+/b', 'a', 'a/', 'a/+', 'a/b', '$SYS/#', '$SYS/a']
    expect(found(all, topic)).toEqual(wanted)
  })

  it('tells texts with the same hash apart', () => {
    expect(found(['Aa', 'BB', 'x/AaAa/+'], 'BB')).toEqual(['BB'])
    expect(found(['x/AaAa', 'x/BBBB', 'x/AaBB', 'x/BBAa/y'], 'x/AaBB')).toEqual(['x/AaBB'])
    expect(found(['x/AaAa'], 'x/BBBB')).toEqual([])
  })

  it('finds each of 10,000 routes', () => {
    const all = Array.from({ length: 10_000 }, (_, index) => `line-${index % 100}/+/machine-${index}/state`)
    const trie = trieOf(all)
    const places = all.map((filter) => trie.match(filter.replace('+', 'any')))
    expect(places).toEqual(all.map((_, index) => index))
    expect(trie.match('line-1/any/machine-2/state')).toBe(-1)
  })

  it('is empty without filters', () => {
    expect(trieOf([]).match('a')).toBe(-1)
    expect(trieOf([]).match('$a')).toBe(-1)
  })
})
