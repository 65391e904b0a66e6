import type { WorkerEvents } from '../core/telemetry.ts'

/**
 * The states of a worker's life, as a pure machine:
 *
 *     new ──start──▶ starting ──ready──▶ running ──stop or done──▶ stopping ──ended──▶ stopped
 *                       └────────── stop or done ───────────────────▲  └────failed───▶ failed
 *
 * `stopped` and `failed` take `start` again. `done` is the end of setup (when it failed) or of main.
 */
export type WorkerState = 'new' | 'starting' | 'running' | 'stopping' | 'stopped' | 'failed'

/** What moves a worker from one state to the next. */
export type Move = 'start' | 'ready' | 'stop' | 'done' | 'ended' | 'failed'

export const MOVES: Readonly<Record<WorkerState, Partial<Record<Move, WorkerState>>>> = {
  new: { start: 'starting' },
  starting: { ready: 'running', stop: 'stopping', done: 'stopping' },
  running: { stop: 'stopping', done: 'stopping' },
  stopping: { ended: 'stopped', failed: 'failed' },
  stopped: { start: 'starting' },
  failed: { start: 'starting' },
}

/** The state after `move`, or undefined when a worker in `state` cannot make it. */
export function nextState(state: WorkerState, move: Move): WorkerState | undefined {
  return MOVES[state][move]
}

/** Whether a message to a worker in this state is no mistake: one that stops may need an answer to come to its end. */
export function isHearing(state: WorkerState): boolean {
  return state === 'running' || state === 'stopping'
}

/** True from the start to the end of teardown. */
export function isAlive(state: WorkerState): boolean {
  return state === 'starting' || state === 'running' || state === 'stopping'
}

type LifecycleName = 'startup' | 'shutdown' | 'error' | 'restart' | 'stalled' | 'killed'

/** Why a life begins that is not the first: a supervisor says so when it starts a worker again. */
export interface Restart {
  /** What the last life failed with; undefined when it was ended on purpose. */
  readonly cause: Error | undefined
  /** How often the worker was started again, this time included. */
  readonly restarts: number
}

/** What `lifecycle()` is told, with the same fields as the event of that name. */
export type LifecycleEvent = { [K in LifecycleName]: { readonly type: K } & WorkerEvents[K] }[LifecycleName]
