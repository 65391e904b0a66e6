import type { Queues } from '../queues.ts'
import type { JobPlace, JobResult } from '../trail.ts'

/** Where deliveries ended, with everything that came of them. */
export interface Verdict {
  /** The delivery and all jobs that followed from it are done. */
  readonly done: number
  /** All of them came to an end, one or more as dead letters. */
  readonly dead: number
  /** One or more of them came to no end, or cannot be found. */
  readonly lost: number
}

type Fate = keyof Verdict

/** From bad to worse. */
const RANK: readonly Fate[] = ['done', 'dead', 'lost']

/**
 * Looks up each of these deliveries in the store, and every job that followed from it: a done job names its
 * follow-ups in its result. Believes no counter.
 */
export async function audit(queues: Queues, deliveryIds: Iterable<string>): Promise<Verdict> {
  const known = new Map<string, Promise<Fate>>()
  const verdict = { done: 0, dead: 0, lost: 0 }
  for (const id of deliveryIds) verdict[await fate({ queue: queues.deliveries.name, id }, queues, known)]++
  return verdict
}

/** Jobs follow from each other in one direction, so this ends. */
function fate(place: JobPlace, queues: Queues, known: Map<string, Promise<Fate>>): Promise<Fate> {
  const key = `${place.queue}/${place.id}`
  const found = known.get(key) ?? look(place, queues, known)
  known.set(key, found)
  return found
}

async function look(
  { queue: name, id }: JobPlace,
  queues: Queues,
  known: Map<string, Promise<Fate>>,
): Promise<Fate> {
  const queue = Object.values(queues).find((candidate) => candidate.name === name)
  const job = await queue?.get(id)
  if (job?.state === 'dead' || job?.state === 'cancelled') return 'dead'
  if (job?.state !== 'done') return 'lost'
  // A done job that does not say what followed has lost its trail.
  const followUps = (job.result as Partial<JobResult> | null)?.followUps
  if (followUps === undefined) return 'lost'
  const fates = await Promise.all(followUps.map((next) => fate(next, queues, known)))
  return fates.reduce((worst, next) => (RANK.indexOf(next) > RANK.indexOf(worst) ? next : worst), 'done')
}
