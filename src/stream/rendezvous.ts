import { fmix32 } from './hash.ts'
import { PARTITIONS } from './partition.ts'

/** 2 ** 32 over the golden ratio: neighbouring numbers come to lie far apart. */
const GOLDEN = 0x9e3779b9

/**
 * Which slot owns each partition, by rendezvous hashing (Thaler and Ravishankar, 1998): the one with the highest
 * score, which depends on that slot and that partition alone. So a slot that comes takes its share from all others
 * and moves nothing else, and what a slot that goes had is spread over those that stay.
 * @param slots their numbers; the order does not matter.
 * @returns the number of the owner, by partition. All -1 when there are no slots.
 */
export function rendezvous(slots: readonly number[]): Int32Array {
  const owners = new Int32Array(PARTITIONS).fill(-1)
  for (let partition = 0; partition < PARTITIONS; partition++) {
    let best = -1
    for (const slot of slots) {
      const score = scoreOf(slot, partition)
      if (score < best) continue
      // Equal scores must not depend on the order either.
      if (score === best && slot > owners[partition]!) continue
      best = score
      owners[partition] = slot
    }
  }
  return owners
}

function scoreOf(slot: number, partition: number): number {
  return fmix32(fmix32(Math.imul(slot + 1, GOLDEN)) ^ Math.imul(partition + 1, GOLDEN))
}
