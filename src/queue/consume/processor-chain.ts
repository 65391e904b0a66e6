import { NonRetryableError } from '../../core/errors.ts'
import type { Handler, Job, JobContext } from './handler.ts'

/** Looks at a job; true when it has dealt with it, so that nobody after it is asked. */
export type Processor<P = unknown> = (job: Job<string, P>, context: JobContext) => boolean | Promise<boolean>

/**
 * Processors that are asked one after the other; the first that answers true wins. `chain.handler` is a handler
 * like any other. A job that no processor takes has failed for good.
 */
export class ProcessorChain<P = unknown> {
  readonly #processors: Processor<P>[]

  constructor(...processors: Processor<P>[]) {
    this.#processors = processors
  }

  /** Adds a processor at the end. */
  use(processor: Processor<P>): this {
    this.#processors.push(processor)
    return this
  }

  /** @returns true when a processor took the job. */
  async process(job: Job<string, P>, context: JobContext): Promise<boolean> {
    for (const processor of this.#processors) if (await processor(job, context)) return true
    return false
  }

  readonly handler: Handler<string, P> = async (job, context) => {
    if (await this.process(job, context)) return
    throw new NonRetryableError(
      `none of ${this.#processors.length} processors took job ${job.id} of type "${job.type}"`,
    )
  }
}
