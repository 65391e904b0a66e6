import type { AnyQueue } from '../../src/queue/any-queue.ts'
import type { Job } from '../../src/queue/consume/handler.ts'
import { QueueWorker, silentLogger } from '../millhand.ts'
import type { Payload } from '../payload.ts'

type NoopJob = Job<'noop', Payload>

/** A worker that claims a job only when there is a place for it to run: what it settled goes with the claim. */
export function withoutPrefetch(
  queue: AnyQueue,
  concurrency: number,
  handle: (job: NoopJob) => Promise<void>,
): InstanceType<typeof QueueWorker> {
  class WithoutPrefetch extends QueueWorker<NoopJob> {
    override types(): readonly string[] {
      return ['noop']
    }

    override process(job: NoopJob): Promise<void> {
      return handle(job)
    }
  }
  // Of no capacity: how much is claimed ahead is reckoned from it.
  return new WithoutPrefetch({ queue, logger: silentLogger }, undefined, {
    capacity: 0,
    room: (running: number, held: number) => Math.max(0, concurrency - running - held),
    startsAtClaim: true,
    maxHoldMs: 250,
    patienceMs: Infinity,
    admit: (running: number, collected: number) => Math.max(0, Math.min(concurrency - running, collected)),
  })
}
