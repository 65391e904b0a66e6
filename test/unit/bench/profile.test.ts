import type { Profiler, Runtime } from 'node:inspector'
import { describe, expect, it } from 'vitest'
import { slicesOf } from '../../../bench/profile.ts'

function node(id: number, url: string, functionName: string, children: number[] = []): Profiler.ProfileNode {
  return { id, callFrame: { functionName, scriptId: '0', url, lineNumber: 0, columnNumber: 0 }, children }
}

const BUILD = 'file:///build/'
const NODES = [
  node(1, '', '(root)', [2, 3, 6]),
  node(2, '', '(garbage collector)'),
  node(3, 'file:///build/queue/queue.js', 'add', [4, 7]),
  node(4, 'file:///build/backends/sqlite/database.js', 'run', [5]),
  node(5, '', 'run'),
  node(6, 'node:internal/timers', 'processTimers'),
  node(7, 'file:///node_modules/zod/index.js', 'parse'),
]

function sourceOf({ url }: Runtime.CallFrame): string | undefined {
  return url.startsWith(BUILD) ? url.slice(BUILD.length).replace('.js', '') : undefined
}

function slices(samples: number[]) {
  return slicesOf({ nodes: NODES, samples, startTime: 0, endTime: 0 }, sourceOf)
}

describe('a profile', () => {
  it('counts what is called from a file for that file', () => {
    expect(slices([7, 7, 7, 4])).toEqual([
      { place: 'queue/queue', share: 0.75 },
      { place: 'backends/sqlite/database', share: 0.25 },
    ])
  })

  it('sets the engine of a store apart from what calls it', () => {
    expect(slices([5])).toEqual([{ place: '(SQLite itself)', share: 1 }])
  })

  it('sets garbage collection and Node apart', () => {
    expect(slices([2, 6])).toEqual([
      { place: '(garbage collector)', share: 0.5 },
      { place: '(Node and the event loop)', share: 0.5 },
    ])
  })
})
