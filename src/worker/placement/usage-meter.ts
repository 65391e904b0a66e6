import type { EventLoopUtilization } from 'node:perf_hooks'
import { builtin } from '../../core/builtin.ts'
import type { Usage } from '../../core/telemetry.ts'
import type { Placement } from '../status.ts'

/**
 * @returns a function that measures what this thread or process used since it was called last; at first, since it
 * came to be: a look at the clock now would load half of `node:perf_hooks` before its worker is there.
 */
export function usageMeter(placement: Exclude<Placement, 'inline'>): () => Usage {
  const cpu = cpuClock(placement)
  let lastCpuMs = 0
  let lastAt = 0
  let lastLoop: EventLoopUtilization = { idle: 0, active: 0, utilization: 0 }
  return () => {
    const [cpuMs, at, loop] = [cpu(), performance.now(), performance.eventLoopUtilization()]
    const { utilization } = performance.eventLoopUtilization(loop, lastLoop)
    const cpuPercent = Math.round(((cpuMs - lastCpuMs) / Math.max(1, at - lastAt)) * 1000) / 10
    lastCpuMs = cpuMs
    lastAt = at
    lastLoop = loop
    return { cpuPercent, memoryBytes: memoryBytes(placement), utilization }
  }
}

/** Milliseconds of CPU used so far. */
function cpuClock(placement: Exclude<Placement, 'inline'>): () => number {
  // Node 22 cannot measure a single thread: how busy its loop is comes nearest.
  if (placement === 'thread' && !('threadCpuUsage' in process)) {
    return () => performance.eventLoopUtilization().active
  }
  const read = placement === 'thread' ? () => process.threadCpuUsage() : () => process.cpuUsage()
  return () => {
    const { user, system } = read()
    return (user + system) / 1000
  }
}

function memoryBytes(placement: Exclude<Placement, 'inline'>): number {
  if (placement === 'process') return process.memoryUsage.rss()
  const { used_heap_size, external_memory } = builtin.v8.getHeapStatistics()
  return used_heap_size + external_memory
}
