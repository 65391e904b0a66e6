import { toMs, type Duration } from '../../../core/duration.ts'
import { BackendError, InvalidOptionError, MillhandError, show, StateError } from '../../../core/errors.ts'
import { randomText } from '../../../core/id.ts'
import { integer, type Rule } from '../../../core/options.ts'
import { settledWithin, sleep } from '../../../core/sleep.ts'
import { MAX_KEY_BYTES } from '../../../stream/frame.ts'
import type { StreamProducer } from '../../../stream/source/producer.ts'
import { shardOfKey } from '../../../stream/source/shards.ts'
import { Connection } from '../connection.ts'
import { checkServer } from '../open.ts'
import { type Outgoing, outgoing } from './records.ts'
import { ShardLine } from './shard-line.ts'
import type { StreamServer } from './stream-server.ts'

export interface RedisProducerOptions {
  /**
   * How many records of a shard are kept at least; of those beyond, the oldest are dropped, some hundred at a time,
   * whether they were read or not. So who reads may be behind by that many, and who is behind by more is told how
   * many it has missed. Default: 100,000.
   */
  readonly maxLength?: number
  /** The largest record, key and data, in bytes. Default: 1 MiB. */
  readonly maxRecordBytes?: number
  /** The most records that go in one batch. Default: 500. */
  readonly batchSize?: number
  /** The most records that wait to be stored; more are refused. Default: 100,000. */
  readonly maxPending?: number
  /** The same in bytes. Default: 64 MiB. */
  readonly maxPendingBytes?: number
}

const MIB = 1_048_576
export const PRODUCER_RULES: { readonly [K in keyof CheckedProducerOptions]: Rule<number> } = {
  maxLength: integer({ min: 1, default: 100_000 }),
  maxRecordBytes: integer({ min: 1, default: MIB }),
  batchSize: integer({ min: 1, max: 2_000, default: 500 }),
  maxPending: integer({ min: 1, default: 100_000 }),
  maxPendingBytes: integer({ min: 1, default: 64 * MIB }),
}

export type CheckedProducerOptions = Required<RedisProducerOptions>

/** Of a stream that is new. */
const DEFAULT_SHARDS = 16
const BATCH_BYTES = MIB
/** As long as that a server knows which batches it has of whom. */
const REMEMBERED_S = 24 * 3600
const CLOSE_TIMEOUT_MS = 5_000
const RETRY_MS = 100

/** Appends to the shards of a stream in a Redis server. */
export class RedisProducer implements StreamProducer {
  readonly #server: StreamServer
  readonly #options: CheckedProducerOptions
  readonly #connection: Connection
  readonly #id = randomText(16)
  readonly #over = new AbortController()
  readonly #lines: ShardLine[] = []
  #opening: Promise<void> | undefined
  /** Those that came before it was open, and go first. */
  #early = 0
  #pending = 0
  #pendingBytes = 0

  constructor(server: StreamServer, options: CheckedProducerOptions) {
    this.#server = server
    this.#options = options
    this.#connection = new Connection({
      ...server.connection,
      // It may be another server, or have lost what it knew.
      onReady: () => {
        if (this.#lines.length > 0) this.#made(this.#lines.length).catch(() => {})
      },
    })
  }

  get pending(): number {
    return this.#pending
  }

  append(key: string, data: string | Uint8Array): Promise<void> {
    let record: Outgoing
    try {
      record = this.#take(key, data)
    } catch (error) {
      return Promise.reject(error)
    }
    if (this.#lines.length > 0 && this.#early === 0) return this.#add(key, record)
    this.#early++
    return this.#open().then(
      () => {
        this.#early--
        return this.#add(key, record)
      },
      (error: unknown) => {
        this.#early--
        this.#given(1, record.bytes)
        throw error
      },
    )
  }

  async flush(): Promise<void> {
    if (this.#early > 0) await this.#open()
    await Promise.all(this.#lines.map((line) => line.flush()))
  }

  async close(options: { readonly timeout?: Duration } = {}): Promise<void> {
    const timeoutMs = toMs(options.timeout ?? CLOSE_TIMEOUT_MS, 'timeout')
    if (!this.#over.signal.aborted) {
      await settledWithin(this.flush(), timeoutMs)
      this.#over.abort(new StateError(`the producer of ${this.#server.name} is closed`))
    }
    this.#connection.close()
  }

  /** @throws for what cannot be appended. */
  #take(key: string, data: string | Uint8Array): Outgoing {
    const { maxRecordBytes, maxPending, maxPendingBytes } = this.#options
    if (this.#over.signal.aborted) throw this.#over.signal.reason
    if (
      typeof key !== 'string' ||
      key === '' ||
      !key.isWellFormed() ||
      Buffer.byteLength(key) > MAX_KEY_BYTES
    ) {
      throw new InvalidOptionError(
        'key',
        `expected key to be a text of 1 to ${MAX_KEY_BYTES} bytes without lone surrogates, got: ${show(key)}`,
      )
    }
    if (typeof data !== 'string' && !(data instanceof Uint8Array))
      throw new InvalidOptionError('data', `expected data to be a text or a Uint8Array, got: ${show(data)}`)
    // A text has at least as many bytes as it has units: what is far too large is not encoded first.
    const least = data.length
    const record = least > maxRecordBytes ? undefined : outgoing(key, data)
    const bytes = record?.bytes ?? least
    if (record === undefined || bytes > maxRecordBytes) {
      throw new MillhandError(
        'PAYLOAD_TOO_LARGE',
        `expected a record of at most maxRecordBytes (${maxRecordBytes}) bytes, got: ${bytes}`,
      )
    }
    if (this.#pending >= maxPending || this.#pendingBytes + bytes > maxPendingBytes) {
      throw new MillhandError(
        'PUBLISH_FULL',
        `expected at most ${maxPending} records (maxPending) and ${maxPendingBytes} bytes (maxPendingBytes) to wait to be stored; wait for what was appended before`,
      )
    }
    this.#pending++
    this.#pendingBytes += bytes
    return record
  }

  #given(records: number, bytes: number): void {
    this.#pending -= records
    this.#pendingBytes -= bytes
  }

  #add(key: string, record: Outgoing): Promise<void> {
    return this.#lines[shardOfKey(key, this.#lines.length)]!.add(record)
  }

  #open(): Promise<void> {
    this.#opening ??= this.#connect().catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async #connect(): Promise<void> {
    const shards = await this.#create()
    const { batchSize, maxLength } = this.#options
    const { scripts, keys } = this.#server
    const fixed = [String(maxLength), String(REMEMBERED_S)]
    for (let shard = 0; shard < shards; shard++) {
      const base = keys.shard(shard)
      this.#lines.push(
        new ShardLine({
          append: async (batch, sequence) => {
            const records = batch.flatMap(({ args }) => args)
            await this.#connection.run(scripts.append, base, [
              this.#id,
              String(sequence),
              ...fixed,
              ...records,
            ])
          },
          batchSize,
          batchBytes: BATCH_BYTES,
          onEnd: (count, bytes) => this.#given(count, bytes),
          signal: this.#over.signal,
        }),
      )
    }
  }

  /** How many shards the stream has; it is made when it is not there. Tries until the server answers. */
  async #create(): Promise<number> {
    const { name, shards } = this.#server
    for (;;) {
      try {
        await checkServer(this.#connection, this.#server)
        const found = await this.#made(shards ?? DEFAULT_SHARDS)
        if (shards === undefined || shards === found) return found
        throw new InvalidOptionError(
          'shards',
          `expected shards to be ${found}, as the stream ${name} was made with, got: ${shards}`,
        )
      } catch (error) {
        const isPassing = error instanceof BackendError && error.retryable
        if (!isPassing || this.#over.signal.aborted) throw error
        await sleep(RETRY_MS, this.#over.signal)
      }
    }
  }

  async #made(shards: number): Promise<number> {
    const { keys, scripts } = this.#server
    return Number(await this.#connection.run(scripts.create, keys.base, [String(shards)]))
  }
}
