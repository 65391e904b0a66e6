/** The first file of a thread of a pool. */
import { getHeapStatistics } from 'node:v8'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { PoolMemory } from '../thread-line.ts'
import type { ToWorker } from '../protocol.ts'
import { sharedCursor } from './cursor.ts'
import { WorkLoop } from './work-loop.ts'

const port = parentPort!
const { cursor, bell } = workerData as PoolMemory
/** For so long a worker that has just run out of work listens for more without going back to its event loop, ms. */
const LINGER_MS = 0.05
/** So often in a row at most: timers and sockets want their turn. */
const MAX_LINGERS = 20

const loop = new WorkLoop({
  post: (message, transfer) => port.postMessage(message, transfer),
  cursor: sharedCursor(cursor),
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
  let rung = Atomics.load(bell, 0)
  loop.hear(message)
  // What waits for its own event loop must have it.
  for (let i = 0; i < MAX_LINGERS && loop.isIdle; i++) {
    const next = receiveMessageOnPort(port)
    if (next !== undefined) loop.hear(next.message)
    else if (Atomics.wait(bell, 0, rung, LINGER_MS) === 'timed-out') return
    rung = Atomics.load(bell, 0)
  }
})
process.on('uncaughtExceptionMonitor', (error) => loop.dying(error))
// What has ended is not lost with a task that ends everything.
process.on('exit', () => loop.flush())
