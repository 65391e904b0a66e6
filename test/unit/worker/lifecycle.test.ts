import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isAlive, MOVES, nextState, type Move, type WorkerState } from '../../../src/worker/lifecycle.ts'

const moves = fc.array(fc.constantFrom<Move>('start', 'ready', 'stop', 'done', 'ended', 'failed'))

describe('the states of a worker', () => {
  test('whatever is tried, setup comes before main, and every life ends before the next begins', () => {
    fc.assert(
      fc.property(moves, (tried) => {
        let state: WorkerState = 'new'
        let wasReady = false
        for (const move of tried) {
          const before: WorkerState = state
          state = nextState(state, move) ?? state
          if (state === before) continue
          if (state === 'starting') {
            expect(isAlive(before)).toBe(false)
            wasReady = false
          }
          if (state === 'running') wasReady = before === 'starting'
          if (before === 'running') expect([wasReady, state]).toEqual([true, 'stopping'])
          if (!isAlive(state)) expect(before).toBe('stopping')
        }
      }),
    )
  })

  test('every state can be reached, left, and is never left by the same move twice', () => {
    const reached = new Set(Object.values(MOVES).flatMap((table) => Object.values(table)))
    expect([...reached].toSorted()).toEqual(['failed', 'running', 'starting', 'stopped', 'stopping'])
    for (const state of Object.keys(MOVES) as WorkerState[]) {
      for (const move of Object.keys(MOVES[state]) as Move[]) {
        const next = nextState(state, move)
        if (next !== undefined) expect(nextState(next, move)).toBeUndefined()
      }
    }
  })
})
