import { randomText } from '../../core/id.ts'
import { backoffMs } from '../../core/backoff.ts'
import type { OwnClient } from './client.ts'
import type { Session } from './session.ts'
import { escaped, unescaped } from './text.ts'

/** Notifications of a busy store follow each other with so much time between them. */
const GAP_MS = 2
const RETRY = { baseMs: 100, maxMs: 5_000, factor: 2, jitter: 'equal' } as const

/** A connection that is there to listen. */
export interface Listener {
  readonly client: OwnClient
  readonly end: () => void
}

export interface WatchersOptions {
  /** The channel, which is the name of the schema. A notification is who sent it and names of queues, a line each. */
  readonly channel: string
  /** Makes a connection to listen on. Undefined: nobody listens. */
  readonly connect: (() => Promise<Listener>) | undefined
  /** Runs statements outside of a transaction. */
  readonly notify: (work: (session: Session) => Promise<void>) => Promise<void>
  readonly deadlineMs: number
}

/**
 * Who wants to hear of which queue. What this process does is told at once; others tell by NOTIFY, which is sent apart
 * from the transactions of jobs, since it takes a lock of the whole server at its commit, and a hint may be late or
 * lost. One connection listens, while somebody watches.
 */
export class Watchers {
  readonly #options: WatchersOptions
  /** Ours come back to us; they were told already. */
  readonly #origin = randomText(10)
  readonly #hints = new Map<string, Set<() => void>>()
  readonly #overhear = new Set<() => void>()
  readonly #pending = new Set<string>()
  readonly #toSend = new Set<string>()
  #sending: Promise<void> | undefined
  /** The present connection, or the attempt to make it. */
  #line: { listener?: Listener } | undefined
  #retry: NodeJS.Timeout | undefined
  #failures = 0
  #closed = false

  constructor(options: WatchersOptions) {
    this.#options = options
  }

  get channel(): string {
    return this.#options.channel
  }

  watch(queue: string, hint: () => void): () => void {
    let hints = this.#hints.get(queue)
    if (hints === undefined) this.#hints.set(queue, (hints = new Set()))
    // Two watchers may bring the same function; each is ended on its own.
    const own = (): void => hint()
    hints.add(own)
    this.#listen()
    return () => {
      hints.delete(own)
      if (hints.size === 0 && this.#hints.get(queue) === hints) this.#hints.delete(queue)
      if (this.#hints.size === 0) this.#silence()
    }
  }

  /** `heard` hears of notifications that name no queue: somebody has looked at all of them. */
  overhear(heard: () => void): () => void {
    const own = (): void => heard()
    this.#overhear.add(own)
    return () => {
      this.#overhear.delete(own)
    }
  }

  /** Only here: nobody else is told. */
  wokenHere(queues: Iterable<string>): void {
    for (const queue of queues) this.#tell(queue)
  }

  /** A transaction of ours, by now committed, woke these. */
  woken(queues: Iterable<string>): void {
    for (const queue of queues) {
      this.#tell(queue)
      this.#toSend.add(queue)
    }
    if (this.#toSend.size > 0) this.#sending ??= this.#send()
  }

  /** What to say within a transaction of the caller's, whose commit we do not see. */
  async notifyWithin(session: Session): Promise<void> {
    await notify(session, this.#options.channel, '', [...session.woken])
  }

  /** The connection may be dead without knowing. */
  reconnect(): void {
    this.#silence()
    if (this.#hints.size > 0) this.#listen()
  }

  async close(): Promise<void> {
    this.#hints.clear()
    await this.#sending
    this.#closed = true
    this.#silence()
  }

  async #send(): Promise<void> {
    while (this.#toSend.size > 0) {
      const queues = [...this.#toSend]
      this.#toSend.clear()
      try {
        await this.#options.notify((session) => notify(session, this.#options.channel, this.#origin, queues))
      } catch {
        // Who waits for it asks by itself before long.
      }
      await new Promise((resolve) => setTimeout(resolve, GAP_MS))
    }
    this.#sending = undefined
  }

  #listen(): void {
    const { connect } = this.#options
    if (connect === undefined || this.#line !== undefined || this.#retry !== undefined || this.#closed) return
    const line: { listener?: Listener } = {}
    this.#line = line
    const lost = (): void => {
      if (this.#line !== line) return
      this.#silence()
      this.#retry = setTimeout(
        () => {
          this.#retry = undefined
          this.#listen()
        },
        backoffMs(RETRY, this.#failures++),
      )
      this.#retry.unref()
    }
    connect()
      .then(async (listener) => {
        // Nobody wants it any more.
        if (this.#line !== line) {
          listener.end()
          return
        }
        line.listener = listener
        const { client } = listener
        client.on('error', lost)
        client.on('end', lost)
        client.on('notification', ({ payload = '' }) => this.#heard(payload))
        await client.query({
          text: `LISTEN "${this.#options.channel.replaceAll('"', '""')}"`,
          query_timeout: this.#options.deadlineMs,
        })
        this.#failures = 0
        // What happened while nobody listened.
        for (const queue of this.#hints.keys()) this.#tell(queue)
      })
      .catch(lost)
  }

  #silence(): void {
    clearTimeout(this.#retry)
    this.#retry = undefined
    const line = this.#line
    this.#line = undefined
    line?.listener?.end()
  }

  #heard(payload: string): void {
    const [origin, ...names] = payload.split('\n')
    if (names.length === 0) for (const heard of this.#overhear) heard()
    if (origin === this.#origin) return
    for (const name of names) this.#tell(unescaped(name))
  }

  /** What happens in one tick is told once, after it. */
  #tell(queue: string): void {
    if (this.#pending.has(queue) || !this.#hints.has(queue)) return
    this.#pending.add(queue)
    queueMicrotask(() => {
      this.#pending.delete(queue)
      for (const hint of this.#hints.get(queue) ?? []) hint()
    })
  }
}

const PROMPT_NOTIFY = `SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)`

/** The most bytes of one notification are 7999. */
const MOST_BYTES = 7_900

async function notify(
  session: Session,
  channel: string,
  origin: string,
  queues: readonly string[],
): Promise<void> {
  let payload = origin
  const payloads: string[] = []
  for (const queue of queues) {
    const name = queue.includes('\n') ? JSON.stringify(queue).slice(1, -1) : escaped(queue)
    if (Buffer.byteLength(payload) + Buffer.byteLength(name) >= MOST_BYTES) {
      payloads.push(payload)
      payload = origin
    }
    payload += `\n${name}`
  }
  payloads.push(payload)
  // On its own it need not wait for the disk: who listens is cut off by a crash, and looks when it listens again.
  const text = session.inTransaction ? 'SELECT pg_notify($1, $2)' : PROMPT_NOTIFY
  for (const each of payloads) await session.rows(text, [channel, each])
}
