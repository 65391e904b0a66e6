/** Were the order wrong, urgent tasks would wait behind others, or those of low priority for ever. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AGEING_MS, Lanes, type Queued } from '../../../src/pool/lanes.ts'

const item = (priority: number, queuedAt: number): Queued => ({ priority, queuedAt, isQueued: false })

function drain<T extends Queued>(lanes: Lanes<T>): T[] {
  const all: T[] = []
  for (let next = lanes.shift(); next !== undefined; next = lanes.shift()) all.push(next)
  return all
}

describe('lanes', () => {
  test('what came first goes first among equals', () => {
    const lanes = new Lanes()
    const items = [item(0, 1), item(0, 2), item(0, 3)]
    for (const each of items) lanes.push(each)
    expect(drain(lanes)).toEqual(items)
  })

  test('the more urgent goes first, unless the other has waited as long as counts for that', () => {
    const lanes = new Lanes()
    const old = item(0, 0)
    const soon = item(5, 5 * AGEING_MS - 1)
    const late = item(5, 5 * AGEING_MS + 1)
    for (const each of [old, soon, late]) lanes.push(each)
    expect(drain(lanes)).toEqual([soon, old, late])
  })

  test('nothing starves however many of high priority come', () => {
    const lanes = new Lanes()
    const low = item(0, 0)
    lanes.push(low)
    let now = 0
    for (let n = 0; n < 10_000; n++) {
      lanes.push(item(10, now))
      if (lanes.shift() === low) break
      now += 1
    }
    expect(low.isQueued).toBe(false)
    expect(now).toBeLessThanOrEqual(10 * AGEING_MS + 1)
  })

  test('any sequence of pushes, shifts, returns and drops gives the order of a sorted list', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.tuple(fc.constant('push' as const), fc.integer({ min: -3, max: 3 })) },
      { weight: 2, arbitrary: fc.tuple(fc.constant('shift' as const), fc.constant(0)) },
      { weight: 2, arbitrary: fc.tuple(fc.constant('back' as const), fc.nat(20)) },
      { weight: 1, arbitrary: fc.tuple(fc.constant('drop' as const), fc.nat(20)) },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const lanes = new Lanes()
        let model: Queued[] = []
        let now = 0
        /** Taken out by shift, in no order. */
        let out: Queued[] = []
        const best = (): Queued | undefined =>
          model.toSorted(
            (a, b) => b.priority - b.queuedAt / AGEING_MS - (a.priority - a.queuedAt / AGEING_MS),
          )[0]
        for (const [kind, value] of steps) {
          now += 37
          if (kind === 'push') {
            const pushed = item(value, now)
            lanes.push(pushed)
            model.push(pushed)
          } else if (kind === 'shift') {
            const expected = best()
            expect(lanes.peek()).toBe(expected)
            const taken = lanes.shift()
            expect(taken).toBe(expected)
            model = model.filter((each) => each !== taken)
            if (taken !== undefined) out.splice((now * 7) % (out.length + 1), 0, taken)
          } else if (kind === 'back') {
            const back = out.slice(value % (out.length + 1))
            lanes.putBack(back)
            model.push(...back)
            out = out.filter((each) => !back.includes(each))
          } else if (kind === 'drop' && model.length > 0) {
            const dropped = model[value % model.length]!
            expect(lanes.drop(dropped)).toBe(true)
            expect(lanes.drop(dropped)).toBe(false)
            model = model.filter((each) => each !== dropped)
          }
          expect(lanes.size).toBe(model.length)
        }
        for (let next = best(); next !== undefined; next = best()) {
          expect(lanes.shift()).toBe(next)
          model = model.filter((each) => each !== next)
        }
        expect(lanes.shift()).toBeUndefined()
      }),
    )
  })

  test('a hundred thousand can be taken out one by one, from anywhere, in no time', () => {
    const lanes = new Lanes()
    const items = Array.from({ length: 100_000 }, (_, n) => item(n % 7, n))
    for (const each of items) lanes.push(each)
    const from = process.cpuUsage()
    for (const each of items.toReversed()) lanes.drop(each)
    expect(lanes.size).toBe(0)
    expect(lanes.peek()).toBeUndefined()
    expect(process.cpuUsage(from).user / 1000).toBeLessThan(2000)
  })

  test('a priority of its own for each does not make it slow', () => {
    const lanes = new Lanes()
    for (let n = 0; n < 20_000; n++) lanes.push(item((n * 7919) % 20_011, 0))
    const from = process.cpuUsage()
    const priorities = drain(lanes).map(({ priority }) => priority)
    expect(process.cpuUsage(from).user / 1000).toBeLessThan(2000)
    expect(priorities).toEqual(priorities.toSorted((a, b) => b - a))
  })

  test('what passes a test is taken out, and no other', () => {
    const lanes = new Lanes()
    const [a, b, c] = [item(1, 0), item(2, 0), item(1, 1)]
    for (const each of [a, b, c]) lanes.push(each)
    lanes.drop(c)
    expect(lanes.reject(({ priority }) => priority === 1)).toEqual([a])
    expect(drain(lanes)).toEqual([b])
  })
})
