import type { FinishedAttempt } from '../core/telemetry.ts'

export type Outcome = FinishedAttempt['outcome']

/**
 * True for work that was processed, false for an error, undefined for what is neither: a job put off, held back,
 * handed back or cancelled says nothing of how well its worker works. No attempt is ever both.
 */
export const SUCCESS: Readonly<Record<Outcome, boolean | undefined>> = {
  done: true,
  retry: false,
  dead: false,
  crash: false,
  snooze: undefined,
  hold: undefined,
  release: undefined,
  cancelled: undefined,
}
