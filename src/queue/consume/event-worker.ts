import { InvalidOptionError, NonRetryableError, show } from '../../core/errors.ts'
import type { Queue } from '../queue.ts'
import { schemaOf, type JobSchemas, type PayloadOut, type TypeOf } from '../schema.ts'
import type { Handler, Job, JobContext } from './handler.ts'
import type { Attempt } from './attempt.ts'
import type { HandlerPool } from './placed/handler-pool.ts'
import { placedOptions, type PlacedOptions } from './placed/placed-options.ts'
import { QueueWorker, type QueueWorkerOptions } from './queue-worker.ts'

/** A handler for each job type that the worker takes; types without one are left to other workers. */
export type Handlers<S extends JobSchemas> = { readonly [T in TypeOf<S>]?: Handler<T, PayloadOut<S, T>> }

/** A queue worker with a handler for each type of job: what `queue.worker(handlers)` makes. */
export class EventWorker<S extends JobSchemas = JobSchemas> extends QueueWorker {
  readonly #handlers = new Map<string, Handler>()
  readonly #placed: PlacedOptions | undefined
  #types: readonly string[] = []
  #pool: HandlerPool | undefined

  /** @throws InvalidOptionError naming the option, or the type that the queue does not have. */
  constructor(options: QueueWorkerOptions & { readonly queue: Queue<S> }, handlers: Handlers<S> = {}) {
    super(options)
    this.#placed = placedOptions(options)
    for (const [type, handler] of Object.entries(handlers)) {
      if (handler !== undefined)
        this.registerHandler(type, handler as Handler<TypeOf<S>, PayloadOut<S, TypeOf<S>>>)
    }
  }

  /**
   * Handles jobs of this type from now on, also when it runs already. Takes the place of an earlier handler.
   * @throws InvalidOptionError for a type that the queue does not have, with the nearest that it has.
   */
  registerHandler<T extends TypeOf<S>>(type: T, handler: Handler<T, PayloadOut<S, T>>): this {
    schemaOf(this.queue.jobs, type)
    if (typeof handler !== 'function') {
      throw new InvalidOptionError(
        type,
        `expected the handler of "${type}" to be a function, got: ${show(handler)}`,
      )
    }
    this.#handlers.set(type, handler as unknown as Handler)
    this.#types = [...this.#handlers.keys()]
    this.typesChanged()
    return this
  }

  /** The types that have a handler, and no others: the rest is for workers that know them. */
  override types(): readonly string[] {
    return this.#types
  }

  protected override get takesPlacement(): boolean {
    return true
  }

  protected override get ahead(): number {
    return this.#pool?.ahead ?? 0
  }

  protected override handBack(heldMs: number): void {
    this.#pool?.handBack(heldMs)
  }

  protected override async setup(): Promise<void> {
    await super.setup()
    if (this.#placed === undefined) return
    // Most workers need none of that.
    const { HandlerPool } = await import('./placed/handler-pool.ts')
    const { queue, name: worker, logger } = this
    const onBroken = (error: Error): void => void this.kill({ kind: 'uncaught', error })
    this.#pool = new HandlerPool({ ...this.#placed, queue, worker, types: this.#types, logger, onBroken })
    await this.#pool.start()
  }

  protected override async teardown(): Promise<void> {
    await this.#pool?.stop()
    this.#pool = undefined
    await super.teardown()
  }

  protected override run(attempts: readonly Attempt[]): void {
    if (this.#pool === undefined) super.run(attempts)
    else this.#pool.run(attempts)
  }

  override process(job: Job, context: JobContext): unknown {
    const handler = this.#handlers.get(job.type)
    if (handler === undefined)
      throw new NonRetryableError(`no handler is registered for job type "${job.type}"`)
    return handler(job, context)
  }
}
