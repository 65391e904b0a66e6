import type { WorkerEvents, WorkerHandle } from '../../src/index.ts'

const DEADLINE_MS = 20_000

/** Resolves at the next event of a worker. @throws Error when it does not come within 20 s. */
export function nextEvent({ name, events }: WorkerHandle, event: keyof WorkerEvents): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      off()
      reject(new Error(`expected worker ${name} to emit ${event} within ${DEADLINE_MS / 1000} s`))
    }, DEADLINE_MS)
    const off = events.on(event, () => {
      clearTimeout(late)
      off()
      resolve()
    })
  })
}
