import { describe, expect, it } from 'vitest'
import { keepInFlight } from '../../../bench/loads/pool/in-flight.ts'

// Lost otherwise: pools would be compared at another load than the one that is named.
describe('calls in flight', () => {
  it('are as many as asked for at all times, and each number is called once', async () => {
    const waiting: (() => void)[] = []
    const called: number[] = []
    const most: number[] = []
    const results: number[] = []
    const call = (n: number): Promise<number> => {
      called.push(n)
      return new Promise((resolve) => {
        waiting.push(() => resolve(n))
      })
    }
    const all = keepInFlight(call, 10, 3, (n) => results.push(n))
    while (results.length < 10) {
      most.push(waiting.length)
      waiting.shift()!()
      await new Promise((resolve) => {
        setImmediate(resolve)
      })
    }
    await all
    expect(called).toEqual([...Array(10).keys()])
    expect(results).toEqual(called)
    expect(most).toEqual([3, 3, 3, 3, 3, 3, 3, 3, 2, 1])
  })

  it('are no more than there are calls', async () => {
    const called: number[] = []
    const call = async (n: number): Promise<number> => called.push(n)
    await keepInFlight(call, 2, 100, () => {})
    expect(called).toEqual([0, 1])
  })

  it('fail with the first that fails', async () => {
    const call = async (n: number): Promise<number> => {
      if (n === 4) throw new Error('no')
      return n
    }
    await expect(keepInFlight(call, 10, 2, () => {})).rejects.toThrow('no')
  })
})
