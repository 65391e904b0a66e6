import type { OwnClient, PgClient, PgPool, PgQuery } from './client.ts'
import { Deadlines } from './deadlines.ts'
import { endsConnection } from './failure.ts'

export interface PoolOptions {
  /** At most so many connections. */
  readonly max: number
  /** How long one may wait for a connection, ms. */
  readonly patienceMs: number
  /** A new one, not yet connected. */
  readonly make: () => OwnClient
  /** Called with each that has connected, before anybody gets it. Does not reject. */
  readonly ready: (client: OwnClient) => Promise<void>
}

/** A connection, and the statements that it has parsed and planned. */
interface Member {
  readonly client: OwnClient
  readonly known: Set<string>
  idleSince: number
  isGone: boolean
}

interface Waiter {
  readonly resolve: (member: Member) => void
  readonly reject: (error: unknown) => void
  readonly timer: NodeJS.Timeout
}

/** What nobody has used for so long is closed. */
const IDLE_MS = 30_000
/** To open one costs the server as much as many statements: the others wait, and as a rule for less. */
const OPENING = 2

/**
 * Lends connections. A statement goes to one that knows it, as far as one is free: each plans anew what comes to it for
 * the first time, some 20 ms of work. So a new one is opened only while somebody waits, who may get another that has
 * come free meanwhile. Idle ones do not keep the process alive.
 */
export class Pool implements PgPool {
  readonly #options: PoolOptions
  readonly #deadlines = new Deadlines()
  readonly #members = new Set<Member>()
  readonly #connecting = new Set<OwnClient>()
  #idle: Member[] = []
  #waiting: Waiter[] = []
  #sweep: NodeJS.Timeout | undefined
  #isOver = false
  readonly #allGone = Promise.withResolvers<void>()

  constructor(options: PoolOptions) {
    this.#options = options
  }

  async query(query: PgQuery): Promise<unknown> {
    const member = await this.#acquire(query.name)
    try {
      const result = await this.#ask(member, query)
      this.#release(member, false)
      return result
    } catch (error) {
      this.#release(member, endsConnection(error))
      throw error
    }
  }

  async connect(): Promise<PgClient> {
    const member = await this.#acquire(undefined)
    let isLent = true
    return {
      query: (query) => this.#ask(member, query),
      release: (error) => {
        if (!isLent) return
        isLent = false
        this.#release(member, error !== undefined && error !== false)
      },
    }
  }

  /**
   * By a callback and with a deadline of our own: all that takes part in a statement would outlive the fast collection of
   * garbage with the driver's, 2 kB of it, and the pauses grow with that. What is late is refused.
   */
  #ask({ client, known }: Member, { query_timeout: ms = 0, ...query }: PgQuery): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const sentAt = performance.now()
      const late = (error: Error): void => {
        this.#forgetIdle(sentAt)
        reject(error)
      }
      const deadline = ms > 0 ? this.#deadlines.begin(ms, late) : undefined
      client.query(query, (error, result) => {
        if (deadline !== undefined) this.#deadlines.met(deadline)
        if (error) {
          reject(error)
          return
        }
        if (query.name !== undefined) known.add(query.name)
        resolve(result)
      })
    })
  }

  /** Lends no more, and waits for what is lent. */
  async end(): Promise<void> {
    this.#stop(new Error('the connections were closed'))
    for (const member of this.#idle) this.#remove(member)
    this.#idle = []
    if (this.#members.size > 0) await this.#allGone.promise
  }

  /** Cuts all connections off, whatever they do. */
  destroy(): void {
    this.#stop(new Error('the connections were given up'))
    for (const { client } of this.#members) client.connection.stream.destroy()
    for (const client of this.#connecting) client.connection.stream.destroy()
  }

  #stop(error: Error): void {
    this.#isOver = true
    clearTimeout(this.#sweep)
    this.#refuse(error)
  }

  #refuse(error: unknown): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const { reject, timer } of waiting) {
      clearTimeout(timer)
      reject(error)
    }
  }

  #acquire(name: string | undefined): Promise<Member> {
    if (this.#isOver) return Promise.reject(new Error('the connections are closed'))
    const knowing = name === undefined ? -1 : this.#idle.findLastIndex(({ known }) => known.has(name))
    // -1 is the last: the others can go, if they are not needed.
    const [member] = this.#idle.splice(knowing, 1)
    if (member !== undefined) {
      member.client.ref()
      return Promise.resolve(member)
    }
    return new Promise((resolve, reject) => {
      const { patienceMs } = this.#options
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((each) => each !== waiter)
        reject(new Error(`no connection came free within ${patienceMs} ms`))
      }, patienceMs)
      timer.unref()
      const waiter = { resolve, reject, timer }
      this.#waiting.push(waiter)
      this.#open()
    })
  }

  #release(member: Member, isBroken: boolean): void {
    if (isBroken || this.#isOver || member.isGone) {
      this.#remove(member)
      this.#open()
      return
    }
    this.#lend(member)
  }

  /** To who waits longest, else it is idle. */
  #lend(member: Member): void {
    const waiter = this.#waiting.shift()
    if (waiter !== undefined) {
      clearTimeout(waiter.timer)
      waiter.resolve(member)
      return
    }
    member.idleSince = performance.now()
    member.client.unref()
    this.#idle.push(member)
    this.#sweep ??= setTimeout(() => this.#sweepIdle(), IDLE_MS).unref()
  }

  /**
   * What is idle since then at the latest is closed. When a connection has fallen silent, those that have said nothing
   * since have as a rule, too: each that is tried takes as long to be found out.
   */
  #forgetIdle(since: number): void {
    for (const member of this.#idle) if (member.idleSince <= since) this.#remove(member)
    this.#idle = this.#idle.filter(({ isGone }) => !isGone)
  }

  #sweepIdle(): void {
    this.#forgetIdle(performance.now() - IDLE_MS)
    this.#sweep =
      this.#idle.length === 0 ? undefined : setTimeout(() => this.#sweepIdle(), IDLE_MS / 2).unref()
  }

  #remove(member: Member): void {
    member.isGone = true
    this.#members.delete(member)
    // It ends by itself, or was cut off.
    void member.client.end().catch(() => {})
    if (this.#isOver && this.#members.size === 0) this.#allGone.resolve()
  }

  #open(): void {
    const opening = this.#connecting.size
    if (this.#isOver || opening >= Math.min(OPENING, this.#waiting.length)) return
    if (this.#members.size + opening >= this.#options.max) return
    const client = this.#options.make()
    this.#connecting.add(client)
    void this.#connect(client).then(
      (member) => {
        this.#connecting.delete(client)
        this.#members.add(member)
        this.#release(member, false)
        this.#open()
      },
      (error: unknown) => {
        this.#connecting.delete(client)
        client.connection.stream.destroy()
        // Who waits may get one of those that are there.
        if (this.#members.size === 0) this.#refuse(error)
      },
    )
  }

  async #connect(client: OwnClient): Promise<Member> {
    await client.connect()
    const member: Member = { client, known: new Set(), idleSince: 0, isGone: false }
    const gone = (): void => {
      if (member.isGone) return
      this.#idle = this.#idle.filter((each) => each !== member)
      this.#remove(member)
      this.#open()
    }
    client.on('error', gone)
    client.on('end', gone)
    await this.#options.ready(client)
    if (member.isGone) throw new Error('the connection was closed as soon as it was made')
    return member
  }
}
