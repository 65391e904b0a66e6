import { MillhandError, toError } from '../../core/errors.ts'
import type { Sink } from '../../core/events.ts'
import { settledWithin } from '../../core/sleep.ts'
import type { KillCause, WorkerEvents } from '../../core/telemetry.ts'
import { errorToWire } from '../../core/wire-error.ts'
import { tell } from '../worker.ts'
import { childLogger } from './child-logger.ts'
import { enterChild, makeHere } from './child-scope.ts'
import { loadClass } from './load-class.ts'
import {
  causeFromWire,
  pack,
  restartFromWire,
  type Boot,
  type FromChild,
  type ToChild,
  type Work,
} from './protocol.ts'
import { usageMeter } from './usage-meter.ts'
import type { AnyWorker } from './runner.ts'

/** The child's end of the line to its runner. */
export interface ChildLine {
  post(message: FromChild): void
  /** Sends a last message, and ends this thread or process when it is on its way. */
  end(message: FromChild, exitCode: number): void
}

/** How long a worker may take to save what it can when it is given up. */
const KILL_GRACE_MS = 1000
/** How long it may take to stop by itself when nobody is there to mind it. */
const ORPHAN_GRACE_MS = 2000
/** Said by the runner, or when the worker is really there. */
const NOT_FORWARDED: ReadonlySet<string> = new Set(['shutdown', 'killed', 'usage'])

/** The one worker of a thread or process: made here, and steered by the messages of its runner. */
export class Child {
  readonly #line: ChildLine
  #worker: AnyWorker | undefined
  #isStopAsked = false
  #isEnding = false
  #isMuted = false

  constructor(line: ChildLine) {
    this.#line = line
    process.on('uncaughtException', (thrown) => void this.#crash(toError(thrown)))
    // Nobody reads: that costs the output, not the work.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  }

  hear(message: ToChild): void {
    switch (message.kind) {
      case 'boot':
        void this.#live(message.boot)
        break
      case 'stop':
        this.#isStopAsked = true
        void this.#worker?.stop()
        break
      case 'quiet':
        this.#worker?.quiet()
        break
      case 'resume':
        this.#worker?.resume()
        break
      case 'message':
        if (this.#worker?.isRunning === true) this.#worker.send(message.message)
        break
      case 'stalled':
        this.#muted(() => this.#tellStalled(message.cause, message.forMs))
        break
      case 'kill':
        this.#line.post({ kind: 'killing' })
        void this.#kill(causeFromWire(message.cause))
    }
  }

  /** The runner is gone: ends what can be ended, and this thread or process. */
  async orphaned(): Promise<void> {
    const worker = this.#worker
    if (worker !== undefined && !(await settledWithin(worker.stop(), ORPHAN_GRACE_MS))) {
      const error = new MillhandError('SHUTDOWN', `the process that minds worker ${worker.name} is gone`)
      await settledWithin(worker.kill({ kind: 'orphaned', error }), KILL_GRACE_MS)
    }
    process.exit(1)
  }

  async #live(boot: Boot): Promise<void> {
    enterChild(boot)
    const worker = await this.#make(boot)
    if (worker === undefined) return
    this.#worker = worker
    worker.events.pipe(this.#sink)
    this.#line.post({ kind: 'made', id: worker.id })
    if (this.#isStopAsked) return this.#end({ kind: 'ended', error: undefined, work: workOf(worker) }, 0)
    worker.signal.addEventListener('abort', () => this.#line.post({ kind: 'stopping' }))
    this.#beat(worker, boot)
    try {
      await worker.start(boot.restart === undefined ? undefined : restartFromWire(boot.restart))
    } catch (thrown) {
      return this.#end({ kind: 'failed', during: 'setup', error: errorToWire(thrown) }, 1)
    }
    await worker.join()
    const error = worker.error === undefined ? undefined : errorToWire(worker.error)
    this.#end({ kind: 'ended', error, work: workOf(worker) }, error === undefined ? 0 : 1)
  }

  async #make(boot: Boot): Promise<AnyWorker | undefined> {
    try {
      const workerClass = await loadClass(boot.module, boot.className)
      const logger = childLogger((message) => this.#line.post(message), boot.isDebug)
      return makeHere(workerClass, { ...boot.options, name: boot.name, logger })
    } catch (thrown) {
      this.#end({ kind: 'failed', during: 'load', error: errorToWire(thrown) }, 1)
      return undefined
    }
  }

  #beat(worker: AnyWorker, boot: Boot): void {
    const usage = usageMeter(boot.placement)
    const beat = (): void => this.#line.post({ kind: 'usage', usage: usage(), work: workOf(worker) })
    setInterval(beat, boot.beatMs).unref()
  }

  async #kill(cause: KillCause): Promise<void> {
    const worker = this.#worker
    // In this very tick, where AsyncLocalStorage still knows whose code threw.
    const saved = worker === undefined ? undefined : this.#muted(() => worker.kill(cause))
    if (saved !== undefined) await settledWithin(saved, KILL_GRACE_MS)
    this.#end({ kind: 'failed', during: 'life', error: errorToWire(cause.error) }, 1)
  }

  async #crash(error: Error): Promise<void> {
    if (this.#isEnding) return
    if (this.#worker === undefined)
      this.#end({ kind: 'failed', during: 'load', error: errorToWire(error) }, 1)
    else await this.#kill({ kind: 'uncaught', error })
  }

  #tellStalled(cause: string, forMs: number): void {
    const worker = this.#worker
    if (worker !== undefined) void tell(worker, { type: 'stalled', worker: worker.name, cause, forMs })
  }

  #end(message: FromChild, exitCode: number): void {
    if (this.#isEnding) return
    this.#isEnding = true
    this.#line.end(message, exitCode)
  }

  /** What the runner itself said is not said back to it. */
  #muted<T>(run: () => T): T {
    this.#isMuted = true
    try {
      return run()
    } finally {
      this.#isMuted = false
    }
  }

  readonly #sink: Sink<WorkerEvents> = {
    has: (event) => !NOT_FORWARDED.has(event),
    emit: (event, value) => {
      if (this.#isMuted || NOT_FORWARDED.has(event)) return
      this.#line.post({ kind: 'event', event, value: event === 'message' ? value : pack(value) })
    },
  }
}

function workOf({ queueSize, processedCount, errorCount }: AnyWorker): Work {
  return { queueSize, processedCount, errorCount }
}
