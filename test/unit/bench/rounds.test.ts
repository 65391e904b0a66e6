import { describe, expect, it } from 'vitest'
import { inRounds } from '../../../bench/rounds.ts'

/** Measurements that each take `ms` on a clock of their own. */
function runner(ms: number) {
  let clock = 0
  const order: string[] = []
  return {
    order,
    now: () => clock,
    measure: async (contender: string, round: number) => {
      clock += ms
      order.push(`${contender}${round}`)
      return { value: order.length, notes: {} }
    },
  }
}

describe('rounds', () => {
  it('measure all contenders in turn, backwards in every other round', async () => {
    const { order, ...run } = runner(1)
    await inRounds({ ...run, contenders: ['a', 'b', 'c'], rounds: 3, until: Infinity })
    expect(order.join(' ')).toBe('a0 b0 c0 c1 b1 a1 a2 b2 c2')
  })

  it('keep what each contender reached, round by round', async () => {
    const { order: _, ...run } = runner(1)
    const taken = await inRounds({ ...run, contenders: ['a', 'b'], rounds: 2, until: Infinity })
    expect(taken.get('a')!.map(({ value }) => value)).toEqual([1, 4])
    expect(taken.get('b')!.map(({ value }) => value)).toEqual([2, 3])
  })

  it('begin none that would not be over in time', async () => {
    const { order, ...run } = runner(10)
    await inRounds({ ...run, contenders: ['a', 'b'], rounds: 5, until: 65 })
    expect(order).toHaveLength(6)
  })

  it('are one at the least, however late it is', async () => {
    const { order, ...run } = runner(10)
    await inRounds({ ...run, contenders: ['a', 'b'], rounds: 5, until: -1 })
    expect(order).toEqual(['a0', 'b0'])
  })

  it('end with the first measurement that fails', async () => {
    const measure = async (): Promise<never> => {
      throw new Error('a job was lost')
    }
    const run = inRounds({ now: () => 0, measure, contenders: ['a'], rounds: 3, until: Infinity })
    await expect(run).rejects.toThrow('a job was lost')
  })
})
