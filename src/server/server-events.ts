/** What a server says of itself, beside what its workers emit. */
export interface ServerEvents {
  /** All workers are set up: it is ready. Again after a reload. */
  ready: { readonly workers: number }
  /** A rolling reload has begun. Followed by `ready`, also when it was given up. */
  reloading: { readonly workers: number }
  /** It takes no new work, or takes it again. */
  quiet: { readonly isQuiet: boolean }
  /** A worker failed for good, so it is not live any more. */
  unhealthy: { readonly worker: string; readonly error: Error }
  /** It has begun to stop: it is not ready any more. */
  stopping: { readonly reason: string }
  /** All workers have ended. */
  stopped: { readonly killed: readonly string[] }
}
