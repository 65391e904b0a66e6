import { InvalidOptionError, toError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { sleep } from '../core/sleep.ts'
import type { EmitItem } from './control.ts'

/** Another stream: a StreamGroup, or a MessageRouter. */
export interface StreamOutput {
  route(key: string, data: string | Uint8Array): Promise<void> | undefined
}

/** A queue: what is emitted there as a key is the type of the job. */
export interface QueueOutput {
  add(type: string, payload: unknown): Promise<unknown>
}

/** Where workers emit to. */
export type StreamOutputs = Readonly<Record<string, StreamOutput | QueueOutput>>

const RETRY_MS = 1000
/** What may be otherwise a second later. */
const PASSING: ReadonlySet<unknown> = new Set(['BACKEND_UNAVAILABLE', 'QUEUE_FULL'])

/** Takes what workers emit to where it belongs, in their order. */
export class Outputs {
  readonly #outputs: StreamOutputs
  readonly #logger: Logger

  /** @throws InvalidOptionError for one that takes nothing. */
  constructor(outputs: StreamOutputs, logger: Logger) {
    for (const [name, output] of Object.entries(outputs)) {
      if (isStream(output) || isQueue(output)) continue
      throw new InvalidOptionError(
        'outputs',
        `expected output ${name} to be a stream with route(), or a queue with add(), got something else`,
      )
    }
    this.#outputs = outputs
    this.#logger = logger
  }

  get names(): string[] {
    return Object.keys(this.#outputs)
  }

  /** Resolves when all of it has arrived, or can never arrive, which is logged. Never rejects. */
  async take(items: readonly EmitItem[], signal: AbortSignal): Promise<void> {
    await Promise.all(items.map((item) => this.#take(item, signal)))
  }

  async #take([name, key, data]: EmitItem, signal: AbortSignal): Promise<void> {
    const output = this.#outputs[name]!
    for (;;) {
      try {
        // In this tick the first time, so that the order is kept.
        await (isStream(output) ? output.route(key, data as string) : output.add(key, data))
        return
      } catch (thrown) {
        const error = toError(thrown)
        const isPassing = PASSING.has(Reflect.get(error, 'code'))
        if (isPassing && (await sleep(RETRY_MS, signal))) continue
        this.#logger.error(
          { err: error, output: name, key },
          'what a worker emitted cannot be taken: it is lost',
        )
        return
      }
    }
  }
}

function isStream(output: object): output is StreamOutput {
  return typeof Reflect.get(output, 'route') === 'function'
}

function isQueue(output: object): output is QueueOutput {
  return typeof Reflect.get(output, 'add') === 'function'
}
