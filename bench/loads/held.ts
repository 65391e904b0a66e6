import { setTimeout as sleep } from 'node:timers/promises'

const SETTLE_MS = 5000

/** Handles, timers and listeners of this process, by kind, each with its number. */
export function held(): string {
  // First: they are opened when they are first looked at.
  const sources = { process, stdout: process.stdout, stderr: process.stderr }
  const counts = new Map<string, number>()
  const count = (kind: string, more: number): void => void counts.set(kind, (counts.get(kind) ?? 0) + more)
  for (const kind of process.getActiveResourcesInfo()) count(kind, 1)
  for (const [name, source] of Object.entries(sources))
    for (const event of source.eventNames()) count(`${name} on ${String(event)}`, source.listenerCount(event))
  return [...counts]
    .map(([kind, number]) => `${kind} ${number}`)
    .toSorted()
    .join(', ')
}

/** What ends by itself soon is waited for. @throws Error when something else than before is held in the end. */
export async function expectHeld(before: string): Promise<void> {
  const deadline = performance.now() + SETTLE_MS
  while (held() !== before && performance.now() < deadline) await sleep(20)
  if (held() !== before) throw new Error(`expected the same to be held as before: ${before}; got: ${held()}`)
}
