import { toError } from '../../core/errors.ts'
import { settledWithin, sleep } from '../../core/sleep.ts'
import { Link, type LinkParts } from './link.ts'
import { isLasting, MqttError } from './mqtt-error.ts'
import { brokerName, retryDelayMs, type Settings } from './mqtt-options.ts'

export interface ReconnectionEvents {
  readonly onConnected: (sessionPresent: boolean, attempts: number) => void
  readonly onDisconnected: (error: MqttError, retryInMs: number) => void
  /** It has been connected, and is over for good. */
  readonly onFailed: (error: MqttError) => void
}

/** A link that lived so long was no failure: the next one is tried soon, ms. */
const STABLE_MS = 5000
/** So many links that ended at once, one after the other, look like two clients with one name. */
const SUSPICIOUS = 5
const MOST_REDIRECTS = 5
const SERVER_MOVED = 0x9d

/** One link after the other: what decides whether, when and to where there is another. */
export class Reconnection {
  readonly #parts: LinkParts
  readonly #settings: Settings
  readonly #events: ReconnectionEvents
  readonly #ending = new AbortController()
  readonly #first = Promise.withResolvers<void>()
  #running: Promise<void> = Promise.resolve()
  #link: Link | undefined
  /** Where to connect to by default; a server that moved changes it. */
  #home: URL
  /** Set while there is no room for what the broker would send at once. */
  #isFull = false
  #wake: (() => void) | undefined

  constructor(parts: LinkParts, events: ReconnectionEvents) {
    this.#parts = parts
    this.#settings = parts.settings
    this.#events = events
    this.#home = parts.settings.url
  }

  /** The link that can be used, if there is one. */
  get link(): Link | undefined {
    return this.#link?.isEstablished === true ? this.#link : undefined
  }

  /** Answers to what has come, which may be before the link can be used: a session begins with its messages. */
  answer(packets: Uint8Array): void {
    this.#link?.write(packets)
  }

  /** Resolves when it is connected for the first time. @throws MqttError */
  begin(): Promise<void> {
    this.#running = this.#run()
    return this.#first.promise
  }

  /** Drops the link, and waits for room before there is another. */
  dropFull(error: MqttError): void {
    this.#isFull = true
    this.#link?.leave(error)
  }

  /** Handlers have ended, or one was given up. */
  room(): void {
    if (this.#parts.intake.hasRoom) this.#wake?.()
  }

  /** Ends it for good. */
  async end(error: MqttError, sessionExpiryMs: number | undefined, goodbyeMs: number): Promise<void> {
    this.#ending.abort()
    this.#wake?.()
    const link = this.#link
    if (link !== undefined && !link.isClosed) {
      link.end(sessionExpiryMs)
      if (!(await settledWithin(link.closed, goodbyeMs))) link.drop(error)
    }
    this.#first.reject(error)
    await this.#running
  }

  async #run(): Promise<void> {
    const { patience } = this.#settings
    const began = performance.now()
    let isFirst = true
    let target = this.#home
    let redirects = 0
    let attempts = 0
    let suspicious = 0
    while (!this.#ending.signal.aborted) {
      const { error, livedMs } = await this.#live(target, isFirst, attempts + 1)
      if (livedMs !== undefined) isFirst = false
      if (this.#ending.signal.aborted) return
      const instead = this.#redirected(error, redirects)
      if (instead !== undefined) {
        redirects++
        target = instead
        continue
      }
      redirects = 0
      target = this.#home
      const elapsed = performance.now() - began
      const isHopeless = error.code === 'CLIENT_TAKEN_OVER' || error.serverReference !== undefined
      if (
        isHopeless ||
        (isFirst &&
          !this.#isFull &&
          (isLasting(error.reasonCode ?? 0) || error.code !== 'BROKER_UNAVAILABLE' || elapsed >= patience))
      ) {
        this.#fail(error, isFirst)
        return
      }
      // One that we dropped for want of room is waited for, and no sign of trouble.
      const isBrief = livedMs !== undefined && livedMs < STABLE_MS && !this.#isFull
      suspicious = isBrief ? suspicious + 1 : 0
      if (suspicious === SUSPICIOUS) this.#suspect()
      if (this.#isFull || (livedMs !== undefined && !isBrief)) attempts = 0
      const delay = retryDelayMs(this.#settings, attempts++)
      const retryInMs = isFirst ? Math.min(delay, patience - elapsed) : delay
      this.#events.onDisconnected(error, retryInMs)
      await sleep(retryInMs, this.#ending.signal)
      await this.#untilRoom()
    }
  }

  /** One link, from its beginning to its end. */
  async #live(
    target: URL,
    isFirst: boolean,
    attempts: number,
  ): Promise<{ error: MqttError; livedMs?: number }> {
    let link: Link
    try {
      link = new Link(this.#parts, target)
    } catch (cause) {
      const error = `${brokerName(target)} cannot be connected to: ${toError(cause).message}`
      return { error: new MqttError('PROTOCOL', error, { cause }) }
    }
    this.#link = link
    try {
      const refused = await link.establish()
      if (refused !== undefined && isFirst) {
        link.end(undefined)
        await link.closed
        return { error: refused }
      }
      if (refused !== undefined) this.#parts.onError(refused)
    } catch (cause) {
      link.drop(new MqttError('BROKER_UNAVAILABLE', toError(cause).message, { cause }))
      return { error: await link.closed }
    }
    const began = performance.now()
    this.#first.resolve()
    this.#events.onConnected(link.sessionPresent, attempts)
    const error = await link.closed
    return { error, livedMs: performance.now() - began }
  }

  /** Where the broker wants us to go, when we do. */
  #redirected(error: MqttError, redirects: number): URL | undefined {
    const { serverReference, reasonCode } = error
    if (serverReference === undefined || this.#settings.redirect === 'refuse') return undefined
    if (redirects >= MOST_REDIRECTS) return undefined
    const [first = ''] = serverReference.trim().split(/\s+/)
    const target = URL.parse(`${this.#settings.url.protocol}//${first}`)
    if (target === null || target.hostname === '') return undefined
    target.pathname = this.#settings.url.pathname
    target.search = this.#settings.url.search
    if (reasonCode === SERVER_MOVED) this.#home = target
    return target
  }

  #fail(error: MqttError, isFirst: boolean): void {
    this.#ending.abort()
    this.#first.reject(error)
    if (!isFirst) this.#events.onFailed(error)
  }

  #suspect(): void {
    const text = `${brokerName(this.#home)} has ended ${SUSPICIOUS} connections in a row soon after their beginning: another client may have the client id "${this.#settings.clientId}"`
    this.#parts.onError(new MqttError('CLIENT_TAKEN_OVER', text))
  }

  /** After an overflow: the broker would send as much again at once. */
  async #untilRoom(): Promise<void> {
    if (!this.#isFull) return
    while (!this.#parts.intake.hasRoom && !this.#ending.signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      // The handlers of QoS 0 are watched by nobody.
      if (!(await settledWithin(woken, this.#settings.ackTimeout))) break
    }
    this.#wake = undefined
    this.#isFull = false
  }
}
