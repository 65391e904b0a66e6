import { MillhandError, toError } from '../../core/errors.ts'
import type { Sink } from '../../core/events.ts'
import { settledWithin } from '../../core/sleep.ts'
import type { KillCause, WorkerEvents } from '../../core/telemetry.ts'
import { errorToWire } from '../../core/wire-error.ts'
import { isHearing } from '../lifecycle.ts'
import { tell } from '../worker.ts'
import { announceClaimsBy } from './claims.ts'
import { childLogger } from './child-logger.ts'
import { enterChild, makeHere } from './child-scope.ts'
import { checkCopyable } from './copyable.ts'
import { loadClass } from './load-class.ts'
import { printed } from './print.ts'
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
/** Said by the runner: at the exit, and with the counts of work. */
const NOT_FORWARDED: ReadonlySet<string> = new Set(['shutdown', 'usage'])

/** The one worker of a thread or process: made here, and steered by the messages of its runner. */
export class Child {
  readonly #placement: Boot['placement']
  readonly #line: ChildLine
  #worker: AnyWorker | undefined
  #isStopAsked = false
  #isEnding = false
  #isQuiet = false
  /** What the runner itself said is not said back to it. */
  readonly #muted = new Set<string>()

  constructor(placement: Boot['placement'], line: ChildLine) {
    this.#placement = placement
    this.#line = line
    announceClaimsBy((claims, isHeld) => line.post({ kind: 'claims', claims, isHeld }))
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
        this.#isQuiet = true
        this.#worker?.quiet()
        break
      case 'resume':
        this.#isQuiet = false
        this.#worker?.resume()
        break
      case 'message':
        if (this.#worker !== undefined && isHearing(this.#worker.state)) this.#worker.send(message.message)
        break
      case 'stalled':
        this.#unsaid('stalled', () => this.#tellStalled(message.cause, message.forMs))
        break
      case 'kill':
        this.#line.post({ kind: 'killing' })
        this.#unsaid('killed', () => void this.#kill(causeFromWire(message.cause)))
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
    // What was said while it was loaded, such as stop, comes first.
    await new Promise((resolve) => void setImmediate(resolve))
    this.#worker = worker
    worker.events.pipe(this.#sink)
    this.#line.post({ kind: 'made', id: worker.id })
    if (this.#isStopAsked) {
      void this.#end({ kind: 'ended', error: undefined, work: workOf(worker) }, 0)
      return
    }
    worker.signal.addEventListener('abort', () => this.#line.post({ kind: 'stopping' }))
    this.#beat(worker, boot)
    try {
      const started = worker.start(boot.restart === undefined ? undefined : restartFromWire(boot.restart))
      if (this.#isQuiet) worker.quiet()
      await started
    } catch (thrown) {
      this.#fail('setup', thrown)
      return
    }
    await worker.join()
    const error = worker.error === undefined ? undefined : errorToWire(worker.error)
    void this.#end({ kind: 'ended', error, work: workOf(worker) }, error === undefined ? 0 : 1)
  }

  async #make(boot: Boot): Promise<AnyWorker | undefined> {
    try {
      const workerClass = await loadClass(boot.module, boot.className)
      const logger = childLogger((message) => this.#line.post(message), boot.isDebug)
      return makeHere(workerClass, { ...boot.options, name: boot.name, logger })
    } catch (thrown) {
      this.#fail('load', thrown)
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
    if (worker !== undefined) await settledWithin(worker.kill(cause), KILL_GRACE_MS)
    this.#fail('life', cause.error)
  }

  async #crash(error: Error): Promise<void> {
    if (this.#isEnding) return
    if (this.#worker === undefined) this.#fail('load', error)
    else await this.#kill({ kind: 'uncaught', error })
  }

  #tellStalled(cause: string, forMs: number): void {
    const worker = this.#worker
    if (worker !== undefined) void tell(worker, { type: 'stalled', worker: worker.name, cause, forMs })
  }

  #fail(during: 'load' | 'setup' | 'life', thrown: unknown): void {
    const work = this.#worker === undefined ? undefined : workOf(this.#worker)
    void this.#end({ kind: 'failed', during, error: errorToWire(thrown), work }, 1)
  }

  async #end(message: FromChild, exitCode: number): Promise<void> {
    if (this.#isEnding) return
    this.#isEnding = true
    await printed()
    this.#line.end(message, exitCode)
  }

  #unsaid(event: keyof WorkerEvents, run: () => void): void {
    this.#muted.add(event)
    run()
    this.#muted.delete(event)
  }

  /** @throws InvalidOptionError when it cannot be copied. */
  #message(value: WorkerEvents['message']): void {
    checkCopyable({ message: value.message }, this.#placement, value.worker)
    this.#line.post({ kind: 'event', event: 'message', value })
  }

  readonly #sink: Sink<WorkerEvents> = {
    has: (event) => !NOT_FORWARDED.has(event),
    emit: (event, value) => {
      if (this.#muted.has(event) || NOT_FORWARDED.has(event)) return
      if (event === 'message') this.#message(value as WorkerEvents['message'])
      else this.#line.post({ kind: 'event', event, value: pack(value) })
    },
  }
}

function workOf({ queueSize, processedCount, errorCount }: AnyWorker): Work {
  return { queueSize, processedCount, errorCount }
}
