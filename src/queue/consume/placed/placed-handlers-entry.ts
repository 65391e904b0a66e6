/** The functions that a pool of handlers calls: they run the handlers of one worker of the user's module. */
import { errorToWire } from '../../../core/wire-error.ts'
import type { WorkContext } from '../../../pool/worker/context.ts'
import { childLogger } from '../../../worker/placement/child-logger.ts'
import { enterChild } from '../../../worker/placement/child-scope.ts'
import type { ClaimedJob } from '../../job.ts'
import { Attempt, jobView, type AttemptHost } from '../attempt.ts'
import type { EventWorker } from '../event-worker.ts'
import { Later } from '../handler.ts'
import { decode } from '../run-attempt.ts'
import { findWorker } from './find-worker.ts'
import { HandledJob, type HandlerData, type WireJob, type WireNote, type WireOutcome } from './wire-job.ts'

let worker: EventWorker
let keepsResults = false
let isDebug = false

export async function setup(data: HandlerData): Promise<void> {
  enterChild({
    placement: data.placement,
    name: data.worker,
    className: 'handlers',
    module: data.module,
  })
  worker = await findWorker(data)
  ;({ keepsResults, isDebug } = data)
}

/** Runs the handler of one job. Without a promise where the handler needs none. */
function handle(this: WorkContext, ...wire: WireJob): unknown {
  // oxlint-disable-next-line no-this-in-exported-function -- a pool calls its functions with their context as this
  return handleIn(this, wire)
}

function handleIn(context: WorkContext, wire: WireJob): unknown {
  const { settings, jobs } = worker.queue
  const claimed = new HandledJob(wire, settings.codec.name)
  let payload: unknown
  try {
    payload = decode(claimed, settings, jobs)
  } catch (error) {
    return { unread: errorToWire(error) } satisfies WireOutcome
  }
  if (payload instanceof Promise) {
    return payload.then(
      (valid: unknown) => run(context, claimed as ClaimedJob, valid),
      (error: unknown) => ({ unread: errorToWire(error) }) satisfies WireOutcome,
    )
  }
  return run(context, claimed as ClaimedJob, payload)
}

function run(context: WorkContext, claimed: ClaimedJob, payload: unknown): unknown {
  const attempt = new Attempt(
    new PlacedHost(context),
    { job: claimed, claimedAt: 0, heldAt: 0 },
    performance.now(),
  )
  context.onAbort = (reason) => attempt.abort(reason)
  const job = jobView(attempt, payload, worker.queue.settings.retry.maxRetries)
  let result: unknown
  try {
    result = worker.process(job, attempt)
  } catch (thrown) {
    return finish(attempt, thrownLater(thrown))
  }
  if (isThenable(result)) {
    return result.then(
      (value) => finish(attempt, value),
      (thrown: unknown) => finish(attempt, thrownLater(thrown)),
    )
  }
  return finish(attempt, result)
}

/** What a handler threw to put its job off. @throws anything else. */
function thrownLater(thrown: unknown): Later {
  if (thrown instanceof Later) return thrown
  throw thrown
}

function finish(attempt: Attempt, result: unknown): WireOutcome | undefined | Promise<WireOutcome> {
  if (result instanceof Later) return { later: result.again }
  const kept = keepsResults && result !== undefined ? { result } : undefined
  if (!attempt.hasFollowUps || attempt.isCompleted) return kept
  return attempt.followUpsReady().then(() => ({ ...kept, followUps: attempt.followUps }))
}

/** Made for each job: what most handlers never use is made when it is. */
class PlacedHost implements AttemptHost {
  readonly #context: WorkContext

  constructor(context: WorkContext) {
    this.#context = context
  }

  get queue(): AttemptHost['queue'] {
    return worker.queue
  }

  get logger(): AttemptHost['logger'] {
    return childLogger((note: WireNote) => this.#context.progress(note), isDebug)
  }

  ended(): void {}

  completed(): void {
    this.#context.progress({ kind: 'completed' } satisfies WireNote)
  }

  progressed({ progressText }: Attempt): void {
    this.#context.progress({ kind: 'progress', value: JSON.parse(progressText!) } satisfies WireNote)
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}

export { handle }
