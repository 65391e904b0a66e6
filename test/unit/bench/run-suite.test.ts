import { describe, expect, it } from 'vitest'
import type { Case } from '../../../bench/case.ts'
import { casesOf, peersOf } from '../../../bench/run-suite.ts'

function aCase(name: string, quickly?: Case['quickly']): Case {
  return {
    name,
    about: '',
    unit: 'ms',
    better: 'lower',
    jobs: { full: 1, quick: 1, 'warm-up': 0 },
    millhand: async () => 1,
    peers: { one: async () => 1, other: async () => 1 },
    ...(quickly !== undefined && { quickly }),
  }
}

describe('a quick run', () => {
  const cases = [aCase('fast'), aCase('slow', 'not at all'), aCase('between', ['other'])]

  it('leaves out what is too slow for it, and a full one does not', () => {
    expect(casesOf(cases, 'quick').map(({ name }) => name)).toEqual(['fast', 'between'])
    expect(casesOf(cases, 'full')).toEqual(cases)
  })

  it('measures what is too slow for it when it is asked for by its name', () => {
    expect(casesOf([cases[1]!], 'quick')).toEqual([cases[1]])
  })

  it('measures those peers that a case names for it, and a full one all', () => {
    const [fast, slow, between] = cases
    expect(peersOf(fast!, 'quick')).toEqual(['one', 'other'])
    expect(peersOf(slow!, 'quick')).toEqual(['one', 'other'])
    expect(peersOf(between!, 'quick')).toEqual(['other'])
    expect(peersOf(between!, 'full')).toEqual(['one', 'other'])
  })
})
