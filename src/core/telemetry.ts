/**
 * What the runtime says of itself. Workers emit these events; metrics, health, tracing, logs and dashboards
 * subscribe. Nothing on the way of a job measures or logs by itself.
 */

/** Why a worker was ended by force. */
export interface KillCause {
  /**
   * `deadline`: it did not start or stop in time. `signal`: a second signal. `uncaught`: an exception nobody
   * caught. `stalled`: its event loop is blocked. `orphaned`: the process that minds it is gone.
   */
  readonly kind: 'deadline' | 'signal' | 'uncaught' | 'stalled' | 'orphaned'
  readonly error: Error
}

/** One finished attempt at a job. */
export interface FinishedAttempt {
  readonly id: string
  readonly type: string
  readonly outcome: 'done' | 'retry' | 'snooze' | 'hold' | 'dead' | 'cancelled' | 'release' | 'crash'
  /** What the attempt failed with; undefined when it did not. */
  readonly error: Error | undefined
  /** From the start of the handler to its end, ms with fractions. */
  readonly durationMs: number
  /** From the enqueue to the start of the handler, ms. */
  readonly waitedMs: number
  /** 1 for the first attempt. */
  readonly attempt: number
}

/** What a worker in a thread or process uses. */
export interface Usage {
  /** Of one core since the last such figure, 0 to 100 and above for what runs in parallel. */
  readonly cpuPercent: number
  /** Of a process its resident set, of a thread its heap and the buffers that belong to it. */
  readonly memoryBytes: number
  /** How busy its event loop is, 0 to 1. */
  readonly utilization: number
}

export interface WorkerEvents {
  /** Setup is done, main begins. */
  startup: { readonly worker: string }
  /** Teardown is over, however it went. `error` is what setup, main or teardown threw, the first of them. */
  shutdown: { readonly worker: string; readonly error: Error | undefined }
  /** Something failed inside the worker that it may survive. */
  error: { readonly worker: string; readonly error: Error }
  /** It was started again, and why. */
  restart: { readonly worker: string; readonly cause: Error | undefined; readonly restarts: number }
  /** It has not answered for so long. */
  stalled: { readonly worker: string; readonly cause: string; readonly forMs: number }
  killed: { readonly worker: string; readonly cause: KillCause }
  /** What a worker sent with `this.send()`. */
  message: { readonly worker: string; readonly message: unknown }
  /** A sign of life of a worker in a thread or process, every second or faster. */
  usage: {
    readonly worker: string
    readonly cpuPercent: Usage['cpuPercent']
    readonly memoryBytes: Usage['memoryBytes']
    readonly utilization: Usage['utilization']
  }
  /** Attempts that ended since the last such event, at the latest when their outcomes are in the store. */
  attempts: { readonly worker: string; readonly queue: string; readonly attempts: readonly FinishedAttempt[] }
  /** A settle named a claim that was no longer ours: the job may have run twice. */
  stale: { readonly worker: string; readonly queue: string; readonly jobs: readonly string[] }
  /** Upkeep found jobs of dead workers, or gave up on some. */
  reaped: {
    readonly worker: string
    readonly queue: string
    readonly returned: number
    readonly crashed: readonly string[]
    readonly dead: readonly string[]
  }
  /** Jobs wait whose type nobody handles. */
  unhandled: {
    readonly worker: string
    readonly queue: string
    readonly type: string
    readonly forMs: number
  }
  /** The store cannot be used, or can again. */
  backend: {
    readonly worker: string
    readonly queue: string
    readonly up: boolean
    readonly error: Error | undefined
  }
  /** The store has not answered a fetch for so long; its connections are replaced. */
  silent: { readonly worker: string; readonly queue: string; readonly forMs: number }
  /** A schedule ticked; `missed` runs were skipped or made up for. */
  tick: { readonly worker: string; readonly tick: number; readonly missed: number }
}
