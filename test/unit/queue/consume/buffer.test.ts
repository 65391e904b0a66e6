import { describe, expect, it } from 'vitest'
import { Buffer, type Held } from '../../../../src/queue/consume/buffer.ts'

const held = (heldAt: number): Held => ({ job: {} as Held['job'], claimedAt: 0, heldAt })
const times = (taken: readonly Held[]): number[] => taken.map(({ heldAt }) => heldAt)

describe('claimed jobs that have not begun', () => {
  it('come out in the order in which they came in, however they are taken', () => {
    const buffer = new Buffer()
    const out: number[] = []
    let next = 0
    for (let round = 0; round < 50; round++) {
      for (let n = 0; n < 7; n++) buffer.push(held(next++))
      out.push(...times(buffer.take(round % 13)))
      expect(buffer.size).toBe(next - out.length)
    }
    out.push(...times(buffer.takeAll()))
    expect(out).toEqual(Array.from({ length: next }, (_, n) => n))
    expect(buffer.size).toBe(0)
  })

  it('know for how long the oldest is held', () => {
    const buffer = new Buffer()
    expect(buffer.oldestMs(10)).toBe(0)
    for (const at of [1, 2, 3, 4]) buffer.push(held(at))
    expect(buffer.oldestMs(10)).toBe(9)
    buffer.take(1)
    expect(buffer.oldestMs(10)).toBe(8)
  })

  it('stay where they are when nobody wants any', () => {
    const buffer = new Buffer()
    buffer.push(held(1))
    expect(buffer.take(0)).toEqual([])
    expect(buffer.take(-3)).toEqual([])
    expect(buffer.size).toBe(1)
  })
})
