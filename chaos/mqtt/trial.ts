import { mkdirSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from 'millhand'
import { WorkerManager } from 'millhand/mqtt'
import { until } from 'millhand/testing'
import { startMosquitto } from '../../test/servers/mosquitto.ts'
import type { PrivateServer } from '../../test/servers/private-server.ts'
import { now } from '../clock.ts'
import { Proxy } from '../proxy.ts'
import { readRuns } from '../runs.ts'
import { judge, type Hit, type Outcome } from './outcome.ts'
import { Publisher } from './publisher.ts'
import { router } from './recorded-router.ts'
import { LEDGERS } from './settings.ts'

export interface TrialOptions {
  readonly folder: string
  readonly seed: number
  readonly workers: number
  readonly signal: AbortSignal
}

const PER_SECOND = 500
/** Published at once before a crash of the broker, so that much is under way at that moment. */
const BURST = 1500
const END_MS = 30_000
/** Whatever would be handled a second time without a reason has the time for it. */
const AFTERMATH_MS = 500
const COMPILED = join(tmpdir(), 'node-compile-cache')

/** A broker that keeps its sessions on the disk, workers that reach it by a proxy, and a publisher. */
export class Trial {
  readonly hits: Hit[] = []
  readonly #broker: PrivateServer
  readonly #proxy: Proxy
  readonly #publisher: Publisher
  readonly #manager: WorkerManager
  readonly #ledgers: string
  /** Of workers that are there no more. */
  #pastRestarts = 0

  private constructor(
    ...[broker, proxy, publisher, manager, ledgers]: [PrivateServer, Proxy, Publisher, WorkerManager, string]
  ) {
    this.#broker = broker
    this.#proxy = proxy
    this.#publisher = publisher
    this.#manager = manager
    this.#ledgers = ledgers
  }

  /** Resolves when it works. */
  static async open({ folder, seed, workers, signal }: TrialOptions): Promise<Trial> {
    const ledgers = join(folder, 'ledgers')
    mkdirSync(ledgers, { recursive: true })
    const broker = await startMosquitto({ persistence: true })
    const proxy = await Proxy.to(broker.port)
    const manager = new WorkerManager(router, {
      ...{ groupName: 'chaos', clientId: 'chaos', drainTimeout: '10s' },
      module: new URL('recorded-router.ts', import.meta.url).href,
      connection: { url: `mqtt://127.0.0.1:${proxy.port}`, keepAlive: '2s', maxRetryDelay: '1s' },
      // They are killed again and again here, and no one is to be given up for that.
      supervision: {
        ...{ intensity: 1000, backoff: '50ms', maxBackoff: '50ms' },
        env: { [LEDGERS]: ledgers, NODE_COMPILE_CACHE: COMPILED },
      },
      logger: silentLogger,
    })
    signal.addEventListener('abort', () => void manager.stopWorkers({ timeout: 0 }))
    await manager.startWorkers(workers)
    const publisher = await Publisher.open(broker.url, seed, PER_SECOND)
    publisher.begin()
    return new Trial(broker, proxy, publisher, manager, ledgers)
  }

  /** SIGKILL to a worker that runs. @param aim which, as a fraction of their number. */
  async kill(aim: number): Promise<void> {
    const pid = await until(
      () => {
        const running = this.#manager.health().workers.filter(({ status }) => status === 'running')
        return running[Math.floor(aim * running.length)]?.pid
      },
      { timeout: '30s', what: 'a worker to run' },
    )
    this.hits.push({ kind: 'kill', at: now(), pid })
    process.kill(pid, 'SIGKILL')
  }

  /** The broker ends orderly and starts again. */
  async restart(): Promise<void> {
    this.hits.push({ kind: 'restart', at: now() })
    await this.#broker.restart()
  }

  /**
   * SIGKILL to the broker while much is under way to the workers. It acknowledges what is published a moment before
   * it writes that to the disk, so what it would lose by itself is left out: nothing is published in that moment.
   */
  async crash(): Promise<void> {
    // Writing its file all the time, it is behind with reading what the workers acknowledge from here on.
    const heardAt = now()
    this.#publisher.burst(BURST)
    await this.#publisher.pause()
    // Rounded up: a file of the same millisecond may be older than the last of them.
    const pausedAt = Date.now() + 1
    const file = join(this.#broker.folder, 'mosquitto.db')
    await until(() => statSync(file, { throwIfNoEntry: false })!.mtimeMs > pausedAt, {
      timeout: '10s',
      what: 'the broker to write its sessions to the disk',
    })
    this.hits.push({ kind: 'crash', at: now(), heardAt })
    await this.#broker.kill('SIGKILL')
    await this.#broker.start()
    this.#publisher.begin()
  }

  /** The connections of all workers are cut, in one of four ways. */
  async cut(aim: number): Promise<void> {
    this.hits.push({ kind: 'network', at: now() })
    const way = Math.floor(aim * 4)
    if (way === 0) this.#proxy.drop()
    else if (way === 1) await this.#proxy.loseReplies(50)
    else if (way === 2) this.#proxy.halfClose('client')
    else this.#proxy.silence()
  }

  async scaleTo(workers: number): Promise<void> {
    for (const { id, restarts } of this.#manager.health().workers) {
      if (id >= workers) this.#pastRestarts += restarts
    }
    await this.#manager.scaleTo(workers)
  }

  /** Waits until all is handled, ends, and judges. */
  async end(): Promise<Outcome> {
    const publisher = this.#publisher
    try {
      await publisher.pause()
      // What was lost is told by the verdict.
      await until(() => this.#missing() === 0, { timeout: END_MS }).catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, AFTERMATH_MS))
      const restarts = this.#manager
        .health()
        .workers.reduce((sum, worker) => sum + worker.restarts, this.#pastRestarts)
      await this.#manager.stopWorkers()
      const { accepted, copies } = publisher
      return judge({ accepted, copies, restarts, hits: this.hits, runs: readRuns(this.#ledgers) })
    } finally {
      await this.close()
    }
  }

  async close(): Promise<void> {
    await this.#manager.stopWorkers({ timeout: 0 })
    await this.#publisher.close()
    await this.#proxy.close()
    await this.#broker.stop()
  }

  #missing(): number {
    const handled = new Set<number>()
    for (const { job, endedAt } of readRuns(this.#ledgers)) if (endedAt !== undefined) handled.add(job)
    return [...this.#publisher.accepted].filter((n) => !handled.has(n)).length
  }
}
