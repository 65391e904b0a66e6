/** The first file of a thread of a pool. */
import { getHeapStatistics } from 'node:v8'
import { receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { PoolShare } from '../thread-line.ts'
import type { ToWorker } from '../protocol.ts'
import { ResultRing } from '../result-ring.ts'
import { sharedCursor } from './cursor.ts'
import { Linger } from './linger.ts'
import { WorkLoop } from './work-loop.ts'

const { port, cursor, bell, results } = workerData as PoolShare
const linger = new Linger(bell)
/** For so long at most it listens beside its event loop: timers and sockets want their turn, ms. */
const AWAY_MS = 5

const loop = new WorkLoop({
  post: (message, transfer) => port.postMessage(message, transfer),
  cursor: sharedCursor(cursor),
  ring: new ResultRing(results),
  memoryBytes: () => {
    const { used_heap_size, external_memory } = getHeapStatistics()
    return used_heap_size + external_memory
  },
  end: (message, exitCode) => {
    port.postMessage(message)
    process.exit(exitCode)
  },
})

port.on('message', (message: ToWorker) => {
  loop.hear(message)
  if (!linger.begins()) return
  const end = performance.now() + AWAY_MS
  // What waits for its own event loop must have it.
  while (loop.isIdle && performance.now() < end) {
    const { rung } = linger
    const next = receiveMessageOnPort(port)
    if (next !== undefined) loop.hear(next.message)
    else if (!linger.waits(rung)) return
  }
})
process.on('uncaughtExceptionMonitor', (error) => loop.dying(error))
// What has ended is not lost with a task that ends everything.
process.on('exit', () => loop.flush())
