import { NO_RESTARTS, type RestartHistory } from './restart-policy.ts'

/** What is remembered of a member. */
export interface MemberRecord {
  history: RestartHistory
  restarts: number
  /** When it was last up, on the monotonic clock; undefined while it is not. */
  upSince: number | undefined
  /** True while it is started, stopped or replaced on purpose: its end is no news then. */
  isBusy: boolean
  /** True when nobody will start it again. */
  isSettled: boolean
  isWatched: boolean
}

export function newRecord(): MemberRecord {
  return {
    history: NO_RESTARTS,
    restarts: 0,
    upSince: undefined,
    isBusy: false,
    isSettled: false,
    isWatched: false,
  }
}
