import { errorToWire } from '../../core/wire-error.ts'
import type { FromWorker, PoolBoot, ToWorker } from '../protocol.ts'
import { enterBoot } from './boot-scope.ts'
import type { Cursor } from './cursor.ts'
import { Executor } from './executor.ts'
import type { ResultRing } from '../result-ring.ts'
import { loadFunctions, type PoolModule } from './load-functions.ts'
import type { Post } from './outbox.ts'

/** The worker's end of the line to its pool. */
export interface WorkLine {
  readonly post: Post
  readonly cursor: Cursor
  /** Where results can be left without a message. */
  readonly ring: ResultRing | undefined
  memoryBytes(): number
  /** Sends a last message, and ends this thread or process when it is on its way. */
  end(message: FromWorker, exitCode: number): void
}

/** The life of one worker of a pool: it loads its module, sets up, runs tasks, tears down. */
export class WorkLoop {
  readonly #line: WorkLine
  #module: PoolModule | undefined
  #executor: Executor | undefined

  constructor(line: WorkLine) {
    this.#line = line
  }

  /** True when nothing runs, and nothing waits. */
  get isIdle(): boolean {
    return this.#executor?.isIdle ?? false
  }

  flush(): void {
    this.#executor?.flush()
  }

  /** Nobody caught this error: the worker is about to die of it. */
  dying(error: unknown): void {
    this.#line.post({ kind: 'failed', error: errorToWire(error) })
  }

  hear(message: ToWorker): void {
    if (Array.isArray(message)) return this.#executor!.take(message)
    switch (message.kind) {
      case 'abort':
        this.#executor?.abort(message)
        break
      case 'more':
        this.#executor?.more(message)
        break
      case 'recall':
        this.#executor?.recall(message)
        break
      case 'boot':
        void this.#boot(message.boot)
        break
      case 'close':
        void this.#close()
    }
  }

  async #boot({ module, workerData, concurrency, usageMs }: PoolBoot): Promise<void> {
    const { post, cursor, ring } = this.#line
    try {
      enterBoot(module)
      this.#module = await loadFunctions(module)
      await this.#module.setup?.(workerData)
      enterBoot(undefined)
    } catch (thrown) {
      this.#line.end({ kind: 'failed', error: errorToWire(thrown) }, 1)
      return
    }
    const { functions } = this.#module
    this.#executor = new Executor({ functions: [...functions.values()], concurrency, cursor, ring, post })
    post({ kind: 'ready', names: [...functions.keys()] })
    let last = performance.eventLoopUtilization()
    setInterval(() => {
      const now = performance.eventLoopUtilization()
      const { utilization } = performance.eventLoopUtilization(now, last)
      last = now
      post({ kind: 'usage', memoryBytes: this.#line.memoryBytes(), utilization })
    }, usageMs).unref()
  }

  /** Nothing runs any more. */
  async #close(): Promise<void> {
    try {
      await this.#module?.teardown?.()
      this.#line.end({ kind: 'closed' }, 0)
    } catch (thrown) {
      this.#line.end({ kind: 'failed', error: errorToWire(thrown) }, 1)
    }
  }
}
