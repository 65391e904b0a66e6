/** What a probe says. Were it wrong, Kubernetes would kill a pod that drains, or send work to one that cannot. */
import { describe, expect, test } from 'vitest'
import { answerTo } from '../../../src/http/probe-answer.ts'
import type { WorkerState } from '../../../src/worker/lifecycle.ts'
import { stubProbed, workersIn } from './stub-probed.ts'

function notReady(states: Record<string, WorkerState>, isStarted = true) {
  const { code, body } = answerTo('isReady', { ...stubProbed(states), isStarted, isReady: false })
  expect(code).toBe(503)
  return body.reason
}

describe('a probe', () => {
  test('that is passed says only so', () => {
    const passed = { code: 200, body: { ok: true } }
    expect(answerTo('isStarted', stubProbed())).toEqual(passed)
    expect(answerTo('isReady', stubProbed())).toEqual(passed)
    expect(answerTo('isLive', stubProbed({ a: 'failed' }))).toEqual(passed)
  })

  test('of the startup names the workers that are waited for', () => {
    const starting = { ...stubProbed({ a: 'running', b: 'starting', c: 'new' }), isStarted: false }
    expect(answerTo('isStarted', starting)).toEqual({
      code: 503,
      body: {
        ok: false,
        reason: 'not started yet: b, c',
        workers: [
          { name: 'b', state: 'starting', restarts: 2 },
          { name: 'c', state: 'new', restarts: 2 },
        ],
      },
    })
  })

  test('of readiness tells starting, draining, quiet and stopped apart', () => {
    expect(notReady({ a: 'starting' }, false)).toBe('not started yet: a')
    expect(notReady({ a: 'running', b: 'starting' })).toBe('not up: b')
    expect(notReady({ a: 'running', b: 'stopping', c: 'stopped' })).toBe('draining')
    expect(notReady({ a: 'running', b: 'stopped' })).toBe('takes no new work')
    expect(notReady({ a: 'running' })).toBe('takes no new work')
    expect(notReady({ a: 'stopped', b: 'failed' })).toBe('stopped; failed for good: b')
  })

  test('of liveness says who failed for good', () => {
    const dead = { ...stubProbed({ a: 'running', b: 'failed' }), isLive: false }
    expect(answerTo('isLive', dead)).toMatchObject({ code: 503, body: { reason: 'failed for good: b' } })
    const killed = { ...stubProbed({ a: 'stopped' }), isLive: false }
    expect(answerTo('isLive', killed).body.reason).toBe('workers had to be killed')
  })

  test('does not print what a worker failed with, which may hold a secret', () => {
    const dead = { ...stubProbed({ b: 'failed' }), isLive: false, isReady: false }
    expect(JSON.stringify([answerTo('isLive', dead), answerTo('isReady', dead)])).not.toContain('hunter2')
  })

  test('of hundreds of workers stays short', () => {
    const states = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`w${n}`, 'starting' as const]))
    const { body } = answerTo('isStarted', {
      ...stubProbed(),
      isStarted: false,
      status: () => ({ workers: workersIn(states) }),
    })
    expect(body.workers).toHaveLength(20)
    expect(body.reason).toMatch(/^not started yet: w0, .*w19 and 480 more$/)
  })
})
