import type { Contender } from '../../case.ts'
import type { OpenPool, TaskPool } from './task-pool.ts'

const BYTES = 1024 * 1024
/** Buffers on the way at once. */
const FLIGHT = 8

/** Buffers that move to a worker, where something is written into them, and move back. Calls a second. */
export function thereAndBack(open: OpenPool): Contender {
  return async ({ jobs, deliveries, timed }) => {
    const pool = open('stamp')
    await pass(pool, Math.ceil(jobs / 10), () => {})
    deliveries.expect(jobs)
    const seconds = await timed(() => pass(pool, jobs, (n) => deliveries.mark(n)))
    await pool.close()
    return jobs / seconds
  }
}

async function pass(pool: TaskPool, jobs: number, onBack: (n: number) => void): Promise<void> {
  let next = 0
  const keepMoving = async (): Promise<void> => {
    let buffer = new ArrayBuffer(BYTES)
    while (next < jobs) {
      const n = next++
      new Uint32Array(buffer)[0] = n
      const back = (await pool.move(buffer)) as ArrayBuffer
      if (buffer.byteLength !== 0) throw new Error('expected the buffer to have moved, but it was copied')
      buffer = back
      const [sent, answer] = new Uint32Array(buffer)
      if (buffer.byteLength !== BYTES || answer !== sent! + 1)
        throw new Error('expected the buffer with its answer')
      onBack(sent!)
    }
  }
  await Promise.all(Array.from({ length: FLIGHT }, keepMoving))
}
