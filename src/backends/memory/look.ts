import type { Clock } from '../../core/clock.ts'
import type { Hints } from './hints.ts'
import type { Shelf } from './shelf.ts'

/** Hints at the queues in which there is something to do. @returns false: nobody shares the store with us. */
export function lookAt(shelves: Iterable<Shelf>, clock: Clock, neglectMs: number, hints: Hints): false {
  const neglected = clock.monotonic() - neglectMs
  const now = clock.wall()
  for (const { queue, counts, maintainedAt, nextDue } of shelves) {
    const isNeglected = counts.active > 0 && (maintainedAt ?? -Infinity) < neglected
    if (counts.waiting > 0 || isNeglected || nextDue <= now) hints.tell(queue)
  }
  return false
}
