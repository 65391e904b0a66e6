import { Worker as Thread } from 'node:worker_threads'
import { toError } from '../core/errors.ts'
import { flagsOf } from '../worker/placement/entry.ts'
import type { Line, LineListener, LineOptions } from './line.ts'
import type { FromWorker } from './protocol.ts'
import { ResultRing } from './result-ring.ts'

/** What a thread and its pool share; see protocol.ts. */
export interface PoolMemory {
  /** The number after that of the last task that was begun or recalled. */
  readonly cursor: Int32Array
  /** Counts messages, for a thread that listens without its event loop. */
  readonly bell: Int32Array
  /** For a ResultRing. */
  readonly results: SharedArrayBuffer
}

const isSource = import.meta.url.endsWith('.ts')
const ENTRY = new URL(isSource ? './worker/pool-thread-entry.ts' : './pool-thread-entry.js', import.meta.url)

export function openThreadLine(options: LineOptions, listener: LineListener): Line {
  const cursor = new Int32Array(new SharedArrayBuffer(4))
  const bell = new Int32Array(new SharedArrayBuffer(4))
  const results = ResultRing.newMemory()
  const ring = new ResultRing(results)
  const workerData: PoolMemory = { cursor, bell, results }
  const { env, resourceLimits } = options
  const thread = new Thread(ENTRY, {
    name: 'millhand-pool',
    workerData,
    env: { ...process.env, ...env },
    execArgv: flagsOf(options.execArgv),
    ...(resourceLimits === undefined ? {} : { resourceLimits }),
  })
  let error: Error | undefined
  thread.on('message', (message: FromWorker) => listener.onMessage(message))
  thread.on('error', (thrown) => (error = toError(thrown)))
  // Nobody knows which results were in it: the worker is ended, and its tasks with it.
  thread.on('messageerror', (thrown) => {
    error = toError(thrown)
    void thread.terminate()
  })
  thread.on('exit', (exitCode) => listener.onExit({ exitCode, signal: undefined, error }))
  // An idle pool must not keep a process alive; while there is work, the watch of the pool does. A listener would
  // take this back.
  thread.unref()
  return {
    canRecall: true,
    post(message, transfer) {
      thread.postMessage(message, transfer)
      Atomics.add(bell, 0, 1)
      Atomics.notify(bell, 0)
    },
    readResults: (take) => ring.read(take),
    begun: () => Atomics.load(cursor, 0),
    recall(end) {
      for (;;) {
        const at = Atomics.load(cursor, 0)
        if (at >= end || Atomics.compareExchange(cursor, 0, at, end) === at) return at
      }
    },
    terminate: () => void thread.terminate(),
  }
}
