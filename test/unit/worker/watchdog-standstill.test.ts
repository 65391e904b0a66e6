import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkEveryMs } from '../../../src/worker/placement/stall-watch.ts'
import { Standstill, type Sight } from '../../../src/worker/watchdog/standstill.ts'

const STALL_MS = 1000
const EVERY_MS = 250

/** A look every quarter of a second from 0 on, at a counter that says that. */
function looks(watch: Standstill, counts: readonly number[]): (Sight | undefined)[] {
  return counts.map((count, index) => watch.look(count, (index + 1) * EVERY_MS))
}

const standstill = (): Standstill => new Standstill(STALL_MS, EVERY_MS, 0)

describe('a loop that is watched by what it counts', () => {
  test('is told of once when it stands still, and once when it runs again', () => {
    // Else an operator is flooded, or never learns how long it took.
    expect(looks(standstill(), [1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3]).filter(Boolean)).toEqual([
      { kind: 'stalled', forMs: 1250 },
      { kind: 'recovered', forMs: 2250 },
    ])
  })

  test('is told of again when it stands still again', () => {
    const stop = [7, 7, 7, 7, 7, 7]
    expect(looks(standstill(), [...stop, 8, 8, 8, 8, 8, 8]).flatMap((sight) => sight?.kind ?? [])).toEqual([
      'stalled',
      'recovered',
      'stalled',
    ])
  })

  test('is told of when it never began to run', () => {
    expect(looks(standstill(), [0, 0, 0, 0, 0]).at(-1)).toEqual({ kind: 'stalled', forMs: 1250 })
  })

  test('has a full term again when the watchdog itself did not run', () => {
    // Else a process that was stopped by a signal and goes on is killed for it.
    const watch = standstill()
    expect(watch.look(0, 250)).toBeUndefined()
    expect(watch.look(0, 60_000)).toBeUndefined()
    for (const at of [250, 500, 750, 1000]) expect(watch.look(0, 60_000 + at)).toBeUndefined()
    expect(watch.look(0, 61_250)).toEqual({ kind: 'stalled', forMs: 1250 })
  })

  test('is never told of for a block below the threshold, and always within twice that for a longer one', () => {
    // Else `kill` ends a process that did what it may, or leaves one that hangs.
    fc.assert(
      fc.property(
        fc.integer({ min: 50, max: 20_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 3, noNaN: true }),
        (stallMs, lookPhase, blockPhase, length) => {
          const everyMs = checkEveryMs(stallMs)
          const blockFrom = 10 * everyMs + blockPhase * everyMs
          const blockTo = blockFrom + length * stallMs
          const watch = new Standstill(stallMs, everyMs, 0)
          /** The loop counts at every full term, and what it missed not before the block is over. */
          const countAt = (at: number): number =>
            Math.floor((at >= blockFrom && at < blockTo ? blockFrom : at) / everyMs)
          let seenAt: number | undefined
          for (let at = lookPhase * everyMs; at < blockTo + 2 * everyMs; at += everyMs) {
            if (watch.look(countAt(at), at)?.kind === 'stalled') seenAt = at
          }
          const blockMs = blockTo - blockFrom
          if (seenAt === undefined) expect(blockMs).toBeLessThan(stallMs + 3 * everyMs)
          else {
            expect(blockMs).toBeGreaterThan(stallMs - 1e-6)
            expect(seenAt - blockFrom).toBeLessThan(2 * stallMs + 1e-6)
          }
        },
      ),
    )
  })
})
