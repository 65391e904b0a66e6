import type { Backend, EnqueueResult, JobFilter, QueueStats, Transaction } from './backend.ts'
import { InvalidOptionError, InvalidPayloadError, MillhandError, show } from '../core/errors.ts'
import { unknownName } from '../core/options.ts'
import { checkQueueName, newJob, type AddOptions, type TransactionOptions } from './add-options.ts'
import { encodedBytes } from './codec.ts'
import { EventWorker, type Handlers } from './consume/event-worker.ts'
import type { QueueWorkerOptions } from './consume/queue-worker.ts'
import { DeadLetterQueue } from './dead-letter.ts'
import type { AnyQueue } from './any-queue.ts'
import type { JobState, NewJob } from './job.ts'
import { Producer, refusal } from './producer.ts'
import { checkQueueOptions, type QueueOptions, type QueueSettings } from './queue-options.ts'
import { inSteps, STEP } from './steps.ts'
import { schemaOf, validate, type JobSchemas, type PayloadIn, type TypeOf } from './schema.ts'
import { storedJob, type StoredJob } from './stored-job.ts'

/** What became of an add. */
export interface AddedJob {
  readonly id: string
  /** `duplicate`: a job with this id was there before, and was left as it is. */
  readonly status: 'added' | 'duplicate'
}

/** One job of an `addMany`. */
export type JobInput<S extends JobSchemas, T extends TypeOf<S> = TypeOf<S>> =
  T extends TypeOf<S>
    ? { readonly type: T; readonly payload: PayloadIn<S, T>; readonly options?: AddOptions }
    : never

/** What became of one job of an `addMany`. */
export type AddResult = AddedJob | { readonly status: 'rejected'; readonly error: Error }

/** What `queue.list` finds; every condition that is given must hold. */
export type ListOptions = Partial<Omit<JobFilter, 'queue'>>

const CONDITIONS = ['ids', 'states', 'types', 'tags', 'error', 'finishedBefore', 'after', 'limit']

/**
 * A durable queue of typed jobs. Making one starts nothing and opens nothing: the first call does.
 *
 *     const mail = new Queue('mail', { backend: sqlite('jobs.db'), jobs: { welcome: z.object({ to: z.email() }) } })
 *     await mail.add('welcome', { to: 'ada@example.org' }, { delay: '10s' })
 *
 * Once `add` has resolved, the job is stored and runs at least once.
 */
export class Queue<S extends JobSchemas = JobSchemas> implements AnyQueue {
  readonly name: string
  readonly backend: Backend
  /** The job types with their schemas; undefined when the queue takes any. */
  readonly jobs: S | undefined
  /** Complete options, times in ms. */
  readonly settings: QueueSettings
  /** The jobs that failed for good. */
  readonly dead: DeadLetterQueue
  readonly #producer: Producer

  /** @throws InvalidOptionError naming the option. */
  constructor(name: string, options: QueueOptions<S>) {
    this.name = checkQueueName(name)
    this.settings = checkQueueOptions(options)
    this.backend = this.settings.backend
    this.jobs = options.jobs
    this.dead = new DeadLetterQueue(this)
    this.#producer = new Producer({
      queue: name,
      backend: this.backend,
      maxLength: this.settings.maxLength,
      offlineWaitMs: this.settings.offlineWait,
      fullWaitMs: this.settings.whenFull === 'wait' ? this.settings.fullTimeout : 0,
    })
  }

  /**
   * Adds a job. Resolves when it is stored. Adds of one turn of the event loop travel together.
   * @throws InvalidPayloadError when the payload does not match its schema or is not JSON, with path and reason.
   * @throws InvalidOptionError for an unknown type or a wrong option.
   * @throws QueueFullError, BackendError when it could not be stored.
   * @throws UnsupportedError when it is given a transaction and the store takes part in none.
   */
  async add<T extends TypeOf<S>>(
    type: T,
    payload: PayloadIn<S, T>,
    options?: AddOptions & TransactionOptions,
  ): Promise<AddedJob> {
    const [own, transaction] = apart(options)
    const preparing = this.prepare(type, payload, own)
    const job = preparing instanceof Promise ? await preparing : preparing
    const result =
      transaction === undefined
        ? await this.#producer.add(job)
        : (await this.#producer.addWithin(transaction, [job]))[0]!
    if (result.status === 'rejected') throw refusal(this.name, result)
    return { id: result.id, status: result.status }
  }

  /**
   * Adds many jobs in one go. Each gets its own answer, in the same order: one that is refused does not keep
   * the others out.
   * @throws BackendError when none could be stored.
   * @throws UnsupportedError when it is given a transaction and the store takes part in none.
   */
  async addMany(jobs: Iterable<JobInput<S>>, options: TransactionOptions = {}): Promise<AddResult[]> {
    const { transaction, ...unknown } = options
    for (const name of Object.keys(unknown)) throw unknownName('option', name, ['transaction'])
    const answers: (AddResult | undefined)[] = []
    const prepared: NewJob[] = []
    for (const { type, payload, options } of jobs) {
      try {
        const job = this.prepare(type, payload, options)
        prepared.push(job instanceof Promise ? await job : job)
        answers.push(undefined)
      } catch (error) {
        if (!(error instanceof MillhandError)) throw error
        answers.push({ status: 'rejected', error })
      }
    }
    const results =
      transaction === undefined
        ? await this.#producer.addMany(prepared)
        : await this.#producer.addWithin(transaction, prepared)
    const broken = results.find((result) => result instanceof Error)
    if (broken !== undefined && results.every((result) => result instanceof Error)) throw broken
    let next = 0
    return answers.map((answer) => answer ?? this.#answer(results[next++]!))
  }

  #answer(result: EnqueueResult | Error): AddResult {
    if (result instanceof Error) return { status: 'rejected', error: result }
    if (result.status === 'rejected') return { status: 'rejected', error: refusal(this.name, result) }
    return { id: result.id, status: result.status }
  }

  /**
   * A job, checked and encoded, as a store takes it; for follow-ups and schedules.
   * @internal
   */
  prepare<T extends TypeOf<S>>(
    type: T,
    payload: PayloadIn<S, T>,
    options?: AddOptions,
  ): NewJob | Promise<NewJob> {
    if (typeof type !== 'string' || type === '' || type.length > 100) {
      throw new InvalidOptionError(
        'type',
        `expected type to be a text of 1 to 100 characters, got: ${show(type)}`,
      )
    }
    const schema = schemaOf(this.jobs, type)
    // What is stored is the input: a schema may transform, and the worker applies it again.
    const valid = schema === undefined ? undefined : validate(schema, type, payload)
    const make = (): NewJob =>
      newJob(type, this.#encode(payload), this.settings.codec.name, options, this.settings.dedupeWindow)
    return valid instanceof Promise ? valid.then(make) : make()
  }

  #encode(payload: unknown): ReturnType<QueueSettings['codec']['encode']> {
    const { codec } = this.settings
    // What the store refuses is refused here, where the caller hears of it: a follow-up has no other moment.
    const maxPayloadBytes = Math.min(this.settings.maxPayloadBytes, this.backend.capabilities.maxPayloadBytes)
    const encoded = codec.encode(payload)
    const bytes = encodedBytes(encoded, maxPayloadBytes)
    if (bytes > maxPayloadBytes) {
      throw new InvalidPayloadError(
        `expected the payload to be at most ${maxPayloadBytes} bytes, got: ${bytes}; store it elsewhere and send a reference, or raise maxPayloadBytes`,
      )
    }
    return encoded
  }

  /**
   * A worker with a handler for each job type that it takes:
   *
   *     mail.worker({ welcome: async (job, { signal }) => { await send(job.payload.to, { signal }) } })
   *
   * @throws InvalidOptionError naming the option, or the type that the queue does not have.
   */
  worker(handlers: Handlers<S>, options: QueueWorkerOptions = {}): EventWorker<S> {
    return new EventWorker({ ...options, queue: this }, handlers)
  }

  /** The job with this id, or undefined: it never was, or it is done and was removed. */
  async get(id: string): Promise<StoredJob | undefined> {
    await this.backend.open()
    const record = await this.backend.get(this.name, id)
    return record === undefined ? undefined : storedJob(record, this.settings.codec)
  }

  /** Jobs in the order of their enqueue, 100 unless `limit` says otherwise; pass the last `seq` as `after` to go on. */
  async list(options: ListOptions = {}): Promise<StoredJob[]> {
    for (const name of Object.keys(options)) {
      if (!CONDITIONS.includes(name)) throw unknownName('condition', name, CONDITIONS)
    }
    await this.backend.open()
    const records = await this.backend.list({ limit: 100, ...options, queue: this.name })
    return records.map((record) => storedJob(record, this.settings.codec))
  }

  /** How many jobs are in which state, whether the queue is paused, and for how long the oldest has waited. */
  async stats(): Promise<QueueStats> {
    await this.backend.open()
    const [stats] = await this.backend.stats(this.name)
    return stats!
  }

  /** Nothing more is started, by any worker of any process, until `resume`. What runs goes on. */
  async pause(): Promise<void> {
    await this.backend.open()
    await this.backend.pause(this.name)
  }

  async resume(): Promise<void> {
    await this.backend.open()
    await this.backend.resume(this.name)
  }

  /** Gives up a job that is not finished. The signal of a running handler aborts. */
  async cancel(id: string): Promise<'cancelled' | 'not-found' | 'finished'> {
    await this.backend.open()
    const [answer] = await this.backend.cancel(this.name, [id], this.settings.retention.cancelled)
    return answer!
  }

  /** Removes all jobs in these states, for ever; active ones cannot be. Returns how many there were. */
  async purge(states: readonly Exclude<JobState, 'active'>[]): Promise<number> {
    await this.backend.open()
    return inSteps((after) => this.backend.purge({ queue: this.name, states, limit: STEP, ...after }))
  }

  /** Waits until everything that was added is stored, then closes the backend, also for other queues that share it. */
  async close(): Promise<void> {
    await this.#producer.flushed()
    await this.backend.close()
  }
}

/** The options of the job, and the transaction that it is added in. */
function apart(
  options: (AddOptions & TransactionOptions) | undefined,
): [AddOptions | undefined, Transaction] {
  if (options === undefined || !('transaction' in options)) return [options, undefined]
  const { transaction, ...own } = options
  return [own, transaction]
}
