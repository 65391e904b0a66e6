import { MessageChannel, receiveMessageOnPort, Worker as Thread, type MessagePort } from 'node:worker_threads'
import { toError } from '../core/errors.ts'
import { flagsOf } from '../worker/placement/entry.ts'
import { newBell, ring } from './bell.ts'
import type { Line, LineListener, LineOptions } from './line.ts'
import type { FromWorker } from './protocol.ts'
import { ResultRing } from './result-ring.ts'

/** What a thread and its pool share; see protocol.ts. */
export interface PoolShare {
  /** The thread's end. Not the one that every thread has: that looks into the environment at each message. */
  readonly port: MessagePort
  /** The number after that of the last task that was begun or recalled. */
  readonly cursor: Int32Array
  /** See bell.ts. */
  readonly bell: Int32Array
  /** For a ResultRing. */
  readonly results: SharedArrayBuffer
}

const isSource = import.meta.url.endsWith('.ts')
const ENTRY = new URL(isSource ? './worker/pool-thread-entry.ts' : './pool-thread-entry.js', import.meta.url)

export function openThreadLine(options: LineOptions, listener: LineListener): Line {
  const cursor = new Int32Array(new SharedArrayBuffer(4))
  const bell = newBell()
  const results = ResultRing.newMemory()
  const left = new ResultRing(results)
  const { port1: port, port2 } = new MessageChannel()
  let thread: Thread
  try {
    thread = newThread({ port: port2, cursor, bell, results }, options)
  } catch (thrown) {
    port.close()
    throw thrown
  }
  let error: Error | undefined
  port.on('message', (message: FromWorker) => listener.onMessage(message))
  thread.on('error', (thrown) => (error = toError(thrown)))
  // Nobody knows which results were in it: the worker is ended, and its tasks with it.
  port.on('messageerror', (thrown) => {
    error = toError(thrown)
    void thread.terminate()
  })
  thread.on('exit', (exitCode) => {
    try {
      for (let last = receiveMessageOnPort(port); last !== undefined; last = receiveMessageOnPort(port)) {
        listener.onMessage(last.message as FromWorker)
      }
    } catch (thrown) {
      // One that cannot be read. Its end is told of in any case.
      error ??= toError(thrown)
    }
    port.close()
    listener.onExit({ exitCode, signal: undefined, error })
  })
  // An idle pool must not keep a process alive; while there is work, the watch of the pool does. A listener would
  // take this back.
  thread.unref()
  port.unref()
  return {
    canRecall: true,
    post(message, transfer) {
      port.postMessage(message, transfer)
      ring(bell)
    },
    readResults: (take) => left.read(take),
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

function newThread(share: PoolShare, { env, execArgv, resourceLimits }: LineOptions): Thread {
  return new Thread(ENTRY, {
    name: 'millhand-pool',
    workerData: share,
    transferList: [share.port],
    env: { ...process.env, ...env },
    execArgv: flagsOf(execArgv),
    ...(resourceLimits === undefined ? {} : { resourceLimits }),
  })
}
