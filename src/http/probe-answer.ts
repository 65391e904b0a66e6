import type { WorkerState } from '../worker/lifecycle.ts'
import type { WorkerStatus } from '../worker/status.ts'

/** What probes ask about: a Server, or something else that can say so much of itself. */
export interface Probed {
  /** It has started; stays true while it drains. */
  readonly isStarted: boolean
  /** It takes work. */
  readonly isReady: boolean
  /** False when only a new process would help. Stays true while it drains. */
  readonly isLive: boolean
  status(): { readonly workers: readonly WorkerStatus[] }
}

/** The questions, by path. */
export const PROBES: ReadonlyMap<string, 'isStarted' | 'isReady' | 'isLive'> = new Map([
  ['/startup', 'isStarted'],
  ['/ready', 'isReady'],
  ['/live', 'isLive'],
])

/** Workers that an answer names; a group can have hundreds. */
const MAX_NAMED = 20

export interface ProbeAnswer {
  readonly code: 200 | 503
  readonly body: {
    readonly ok: boolean
    /** One line for people; only when it is not ok. */
    readonly reason?: string
    /** Those that are not up: without what they failed with, which may name what only the log should. */
    readonly workers?: readonly {
      readonly name: string
      readonly state: WorkerState
      readonly restarts: number
    }[]
  }
}

export function answerTo(question: 'isStarted' | 'isReady' | 'isLive', probed: Probed): ProbeAnswer {
  if (probed[question]) return { code: 200, body: { ok: true } }
  const down = probed.status().workers.filter(({ state }) => state !== 'running')
  const workers = down.slice(0, MAX_NAMED).map(({ name, state, restarts }) => ({ name, state, restarts }))
  const reason = REASONS[question](probed, down)
  return { code: 503, body: { ok: false, reason, ...(workers.length > 0 && { workers }) } }
}

type Reason = (probed: Probed, down: readonly WorkerStatus[]) => string

const REASONS: Readonly<Record<'isStarted' | 'isReady' | 'isLive', Reason>> = {
  isStarted: (_probed, down) => named('not started yet', down),
  isReady: (probed, down) => {
    if (!probed.isStarted) return REASONS.isStarted(probed, down)
    const failed = down.filter(isFailed)
    return failed.length > 0
      ? `${whyNotReady(probed, down)}; ${failedForGood(failed)}`
      : whyNotReady(probed, down)
  },
  isLive: (_probed, down) => {
    const failed = down.filter(isFailed)
    return failed.length > 0 ? failedForGood(failed) : 'workers had to be killed'
  },
}

function whyNotReady(probed: Probed, down: readonly WorkerStatus[]): string {
  if (down.some(({ state }) => state === 'stopping')) return 'draining'
  const late = down.filter(({ state }) => state === 'new' || state === 'starting')
  if (late.length > 0) return named('not up', late)
  return down.length === probed.status().workers.length ? 'stopped' : 'takes no new work'
}

function failedForGood(workers: readonly WorkerStatus[]): string {
  return named('failed for good', workers)
}

function isFailed({ state }: WorkerStatus): boolean {
  return state === 'failed'
}

function named(lead: string, workers: readonly WorkerStatus[]): string {
  if (workers.length === 0) return lead
  const names = workers.slice(0, MAX_NAMED).map(({ name }) => name)
  const more = workers.length - names.length
  return `${lead}: ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
