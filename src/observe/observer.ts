import type { Observable } from './observable.ts'
import { SUCCESS } from './success.ts'

/** Hears the plain facts of a worker's life. All methods are optional and may be async. */
export interface WorkerObserver {
  started?(name: string, id: string): void | Promise<void>
  stopped?(name: string, id: string): void | Promise<void>
  /** One attempt was processed, or failed. Not called for those that were put off, handed back or cancelled. */
  messageProcessed?(name: string, id: string, success: boolean): void | Promise<void>
}

export interface ObserveOptions {
  /** Hears of every failure of the observer. Default: `process.emitWarning` for the first one only. */
  readonly onError?: (error: unknown) => void
}

/**
 * Tells `observer` of `worker` from now on; the returned function ends it. What the observer throws, or rejects
 * with, reaches neither the worker nor the other observers, and hides no later call from this one.
 */
export function observe(
  worker: Observable,
  observer: WorkerObserver,
  options: ObserveOptions = {},
): () => void {
  const { name, id, events } = worker
  const failed = guarded(options.onError ?? warnOnce(name))
  const subscriptions: (() => void)[] = []
  if (observer.started !== undefined) {
    subscriptions.push(events.on('startup', () => tell(failed, () => observer.started?.(name, id))))
  }
  if (observer.stopped !== undefined) {
    subscriptions.push(events.on('shutdown', () => tell(failed, () => observer.stopped?.(name, id))))
  }
  if (observer.messageProcessed !== undefined) {
    let success: boolean | undefined
    // One closure for all attempts: this runs hundreds of thousands of times a second.
    const call = (): void | Promise<void> => observer.messageProcessed?.(name, id, success === true)
    subscriptions.push(
      events.on('attempts', ({ attempts }) => {
        for (const attempt of attempts) {
          success = SUCCESS[attempt.outcome]
          if (success !== undefined) tell(failed, call)
        }
      }),
    )
  }
  return () => {
    for (const unsubscribe of subscriptions) unsubscribe()
  }
}

function tell(failed: (error: unknown) => void, call: () => void | Promise<void>): void {
  try {
    const result = call()
    if (result instanceof Promise) result.catch(failed)
  } catch (error) {
    failed(error)
  }
}

/** What hears of failures may fail too; that is only worth a warning. */
function guarded(onError: (error: unknown) => void): (error: unknown) => void {
  return (error) => {
    try {
      onError(error)
    } catch (second) {
      process.emitWarning(`onError of an observer failed: ${String(second)}`, 'MillhandWarning')
    }
  }
}

/** A broken observer fails for every job; one warning says it as well as thousands a second. */
function warnOnce(worker: string): (error: unknown) => void {
  let warned = false
  return (error) => {
    if (warned) return
    warned = true
    process.emitWarning(
      `an observer of worker ${worker} failed (said once): ${String(error)}`,
      'MillhandWarning',
    )
  }
}
