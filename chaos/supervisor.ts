import { fork, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from 'millhand/testing'
import { now } from './clock.ts'
import type { WorkerSettings } from './job.ts'

/** What a worker process says. */
export type Report = { readonly kind: 'ready' } | LoopDelay | TimeOfDay

/** What it takes for the time of day; told when asked for the `time`. */
export interface TimeOfDay {
  readonly kind: 'time'
  readonly wallMs: number
}

/** How long its event loop was held up since it was asked to `measure`; told when asked to `report`. */
export interface LoopDelay {
  readonly kind: 'loop'
  readonly p99Ms: number
  readonly maxMs: number
}

/** What a worker process is asked. */
export type Request = 'measure' | 'report' | 'time'

export interface SupervisorOptions extends Omit<WorkerSettings, 'life'> {
  readonly processes: number
  /** Variables of the worker processes beside those of this one. */
  readonly env?: (life: number) => Readonly<Record<string, string>>
}

/** A process that ended by itself is started again after so long; one that we ended, at once. */
const RESPAWN_MS = 200
const STOP_MS = 30_000
/** A process is to spend its first moments on jobs, as one of a built program does, not on compiling TypeScript. */
const COMPILED = join(tmpdir(), 'node-compile-cache')

/** One worker process. */
export interface WorkerProcess {
  readonly life: number
  readonly child: ChildProcess
  ready: boolean
  /** The last signal that we sent to end it. */
  ending: 'SIGKILL' | 'SIGTERM' | undefined
}

/** Keeps a number of worker processes going, hits them, and starts others for those that ended. */
export class Supervisor {
  /** Processes that ended by themselves, or otherwise than they were told to. */
  readonly failures: string[] = []
  readonly #options: SupervisorOptions
  readonly #living = new Set<WorkerProcess>()
  #lives = 0
  #stopping = false

  constructor(options: SupervisorOptions) {
    this.#options = options
  }

  /** Resolves when all work. */
  async start(): Promise<void> {
    for (let slot = 0; slot < this.#options.processes; slot++) this.#spawn()
    await until(() => this.ready.length === this.#options.processes, {
      timeout: '60s',
      what: 'the worker processes to be ready',
    })
  }

  /** The processes that work. */
  get ready(): readonly WorkerProcess[] {
    return [...this.#living].filter(({ ready, ending }) => ready && ending === undefined)
  }

  /** Sends a signal to one of the processes that work, and waits for one if there is none. @returns when, to whom. */
  async strike(signal: 'SIGKILL' | 'SIGTERM', aim: number): Promise<{ life: number; at: number }> {
    const aimed = (): WorkerProcess | undefined => this.ready[Math.floor(aim * this.ready.length)]
    const victim = await until(aimed, { timeout: '60s', what: 'a worker process to be ready' })
    const at = now()
    victim.ending = signal
    victim.child.kill(signal)
    return { life: victim.life, at }
  }

  /** Asks all processes that work to measure how long their event loops are held up; the result tells the worst. */
  async measureLoops(): Promise<() => Promise<{ p99Ms: number; maxMs: number }>> {
    const measured = this.ready
    for (const { child } of measured) child.send('measure')
    return async () => {
      const reports = measured.map(async ({ child }) => {
        child.send('report')
        const [report] = (await once(child, 'message')) as [LoopDelay]
        return report
      })
      const worst = { p99Ms: 0, maxMs: 0 }
      for (const { p99Ms, maxMs } of await Promise.all(reports)) {
        worst.p99Ms = Math.max(worst.p99Ms, p99Ms)
        worst.maxMs = Math.max(worst.maxMs, maxMs)
      }
      return worst
    }
  }

  /** What a process takes for the time of day. */
  async timeOf({ child }: WorkerProcess): Promise<number> {
    child.send('time' satisfies Request)
    const [{ wallMs }] = (await once(child, 'message')) as [TimeOfDay]
    return wallMs
  }

  /** Ends all processes gracefully, and those that do not end by force. */
  async stop(): Promise<void> {
    this.#stopping = true
    for (const each of this.#living) this.#end(each, 'SIGTERM')
    await until(() => this.#living.size === 0, { timeout: STOP_MS }).catch(() => {
      for (const each of this.#living) {
        this.failures.push(`process ${each.life} did not stop within ${STOP_MS / 1000} s`)
        this.#end(each, 'SIGKILL')
      }
    })
    await until(() => this.#living.size === 0)
  }

  /** Ends all processes at once, for a run that is given up. */
  kill(): void {
    this.#stopping = true
    for (const each of this.#living) this.#end(each, 'SIGKILL')
  }

  #end(process: WorkerProcess, signal: 'SIGKILL' | 'SIGTERM'): void {
    process.ending = signal
    process.child.kill(signal)
    // One that is stopped would not hear of it.
    process.child.kill('SIGCONT')
  }

  #spawn(): void {
    const { processes: _, env, ...settings } = this.#options
    const life = ++this.#lives
    const errors = join(settings.ledgers, `${life}.stderr`)
    const stderr = openSync(errors, 'w')
    const child = fork(
      new URL('worker-entry.ts', import.meta.url),
      [JSON.stringify({ ...settings, life } satisfies WorkerSettings)],
      {
        execArgv: ['--conditions=millhand-source'],
        stdio: ['ignore', stderr, stderr, 'ipc'],
        env: { ...process.env, NODE_COMPILE_CACHE: COMPILED, ...env?.(life) },
      },
    )
    closeSync(stderr)
    const one: WorkerProcess = { life, child, ready: false, ending: undefined }
    this.#living.add(one)
    child.on('message', ({ kind }: Report) => {
      if (kind === 'ready') one.ready = true
    })
    child.once('exit', (code, signal) => this.#ended(one, code, signal, errors))
  }

  #ended(one: WorkerProcess, code: number | null, signal: string | null, errors: string): void {
    this.#living.delete(one)
    if (!endedAsTold(one, code, signal)) {
      const last = readFileSync(errors, 'utf8').trimEnd().split('\n').slice(-5).join('\n')
      const how = one.ending === undefined ? 'by itself' : `after ${one.ending}`
      this.failures.push(`process ${one.life} ended ${how} with ${signal ?? `code ${code}`}: ${last}`)
    }
    if (this.#stopping) return
    if (one.ending !== undefined) this.#spawn()
    else setTimeout(() => this.#stopping || this.#spawn(), RESPAWN_MS)
  }
}

function endedAsTold({ ready, ending }: WorkerProcess, code: number | null, signal: string | null): boolean {
  if (ending === 'SIGKILL') return signal === 'SIGKILL'
  // One that was still being started has no work yet to end gracefully.
  return ending === 'SIGTERM' && (code === 0 || (!ready && signal === 'SIGTERM'))
}
