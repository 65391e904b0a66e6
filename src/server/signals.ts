const SIGNALS = ['SIGTERM', 'SIGINT'] as const
export type StopSignal = (typeof SIGNALS)[number]

/**
 * One request to stop may arrive twice: a terminal or a service manager signals the whole group, and npm, being
 * in it, passes its own copy on. The same signal again within this time is that copy.
 */
export const ECHO_MS = 200

/** Calls `onSignal` for every request to stop, echoes left out. @returns what takes the handlers away again. */
export function listenForSignals(onSignal: (signal: StopSignal) => void): () => void {
  const lastAt = new Map<StopSignal, number>()
  const listener = (signal: NodeJS.Signals): void => {
    const stopSignal = SIGNALS.find((known) => known === signal)
    if (stopSignal === undefined) return
    const now = performance.now()
    const isEcho = now - (lastAt.get(stopSignal) ?? -Infinity) < ECHO_MS
    if (isEcho) return
    lastAt.set(stopSignal, now)
    onSignal(stopSignal)
  }
  for (const signal of SIGNALS) process.on(signal, listener)
  return () => {
    for (const signal of SIGNALS) process.off(signal, listener)
  }
}

/** Calls the listener of each signal. @returns what takes them away again. */
export function listenFor(listeners: Partial<Record<NodeJS.Signals, () => void>>): () => void {
  const entries = Object.entries(listeners) as [NodeJS.Signals, () => void][]
  for (const [signal, listener] of entries) process.on(signal, listener)
  return () => {
    for (const [signal, listener] of entries) process.off(signal, listener)
  }
}
