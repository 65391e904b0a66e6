import { describe, expect, test } from 'vitest'
import { Probe } from '../../../src/observe/probe.ts'

describe('a probe', () => {
  test('gives the answer, from a function that is sync or async', async () => {
    expect(await new Probe(() => 3, 1000).answer()).toEqual({ ok: true, value: 3 })
    expect(await new Probe(async () => 4, 1000).answer()).toEqual({ ok: true, value: 4 })
  })

  test('gives the error of one that throws or rejects, whatever was thrown', async () => {
    const thrower = new Probe(() => {
      throw new Error('sync')
    }, 1000)
    expect(await thrower.answer()).toMatchObject({ ok: false, error: { message: 'sync' } })
    // oxlint-disable-next-line prefer-promise-reject-errors, typescript/prefer-promise-reject-errors
    const rejecter = new Probe(() => Promise.reject(undefined), 1000)
    expect(await rejecter.answer()).toMatchObject({ ok: false, error: expect.any(Error) as Error })
  })

  test('answers at the timeout, and aborts the call', async () => {
    let signal: AbortSignal | undefined
    const probe = new Probe((given) => {
      signal = given
      return new Promise(() => {})
    }, 5)
    expect(await probe.answer()).toMatchObject({ ok: false, error: { message: 'no answer within 5ms' } })
    expect(signal?.aborted).toBe(true)
  })

  test('does not repeat a call that hangs, and asks afresh once it has ended', async () => {
    const calls: PromiseWithResolvers<string>[] = []
    const probe = new Probe(() => {
      const call = Promise.withResolvers<string>()
      calls.push(call)
      return call.promise
    }, 5)
    expect((await probe.answer()).ok).toBe(false)
    expect((await probe.answer()).ok).toBe(false)
    expect(calls).toHaveLength(1)

    calls[0]!.resolve('too late')
    await expect.poll(() => (void probe.answer(), calls.length)).toBe(2)
    calls[1]!.resolve('in time')
    expect(await probe.answer()).toEqual({ ok: true, value: 'in time' })
  })

  test('asks once for those who ask at the same time, and again for the next', async () => {
    let calls = 0
    const probe = new Probe(async () => ++calls, 1000)
    expect(await Promise.all([probe.answer(), probe.answer()])).toEqual([
      { ok: true, value: 1 },
      { ok: true, value: 1 },
    ])
    expect(await probe.answer()).toEqual({ ok: true, value: 2 })
  })
})
