import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Window } from '../../../src/pool/window.ts'

describe('a window', () => {
  test('is like a Map, whatever is added and taken', () => {
    // Else a result is given to another task, or to none.
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({ kind: fc.constant('add'), count: fc.integer({ min: 1, max: 200 }) }),
      },
      {
        weight: 5,
        arbitrary: fc.record({ kind: fc.constant('take'), count: fc.integer({ min: 1, max: 200 }) }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('skip'), count: fc.integer({ min: 1, max: 1000 }) }),
      },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.infiniteStream(fc.nat()), (steps, picks) => {
        const window = new Window<string>()
        const map = new Map<number, string>()
        let next = 0
        for (const { kind, count } of steps) {
          if (kind === 'skip') next += count
          const [added, taken] = [kind === 'add' ? count : 0, kind === 'take' ? count : 0]
          for (let i = 0; i < added; i++, next++) {
            window.add(next, `#${next}`)
            map.set(next, `#${next}`)
          }
          for (let i = 0; i < taken && map.size > 0; i++) {
            // Mostly the first ones.
            const pick = picks.next().value!
            const number = pick % 3 === 0 ? pick % (next + 2) : [...map.keys()][pick % Math.min(map.size, 4)]!
            expect(window.take(number)).toBe(map.get(number))
            map.delete(number)
            expect(window.get(number)).toBeUndefined()
          }
          expect(window.size).toBe(map.size)
          expect([...window.entries()]).toEqual([...map])
          expect(window.first).toBe(map.values().next().value)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('stays small beside one that stays for ever', () => {
    // Else a task that runs for a day holds memory for each that came and went.
    const window = new Window<number>()
    window.add(0, 0)
    const before = process.memoryUsage().heapUsed
    let wrong = 0
    for (let n = 1; n < 8_000_000; n++) {
      window.add(n, n)
      if (window.take(n) !== n) wrong++
    }
    expect(wrong).toBe(0)
    // A ring of so many would be 64 MB.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(32e6)
    expect([...window.numbers()]).toEqual([0])
    expect(window.get(0)).toBe(0)
    expect(window.take(0)).toBe(0)
    expect(window.size).toBe(0)
  })
})
