import { describe, expect, it } from 'vitest'
import { ProgressWatch } from '../../../src/stream/progress-watch.ts'
import { At, RingMemory } from '../../../src/stream/ring-memory.ts'

/** How many wait in this memory: whoever waits keeps all of it. */
const waiting = ({ control }: RingMemory): number => Atomics.notify(control, At.waiting)

function read(ring: RingMemory, frames: number): void {
  Atomics.store(ring.control, At.framesRead, frames)
  Atomics.store(ring.control, At.waiting, 0)
  Atomics.notify(ring.control, At.waiting)
}

describe('who waits for the reader of a ring', () => {
  it('waits on in other memory, and lets go of the one before', async () => {
    const ring = RingMemory.ofCapacity(1024)
    const watch = new ProgressWatch(ring)
    const reached = watch.until(1)
    const next = ring.renewed()
    watch.use(next)
    expect(waiting(ring)).toBe(0)
    read(next, 1)
    await reached
  })

  it('lets go of the memory when nobody reads any more', async () => {
    const ring = RingMemory.ofCapacity(1024)
    const watch = new ProgressWatch(ring)
    const reached = watch.until(1)
    watch.close(new Error('closed'))
    await expect(reached).rejects.toThrow('closed')
    expect(waiting(ring)).toBe(0)
  })
})
