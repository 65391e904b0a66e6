import type { Contender } from '../case.ts'
import { Server, silentLogger } from '../millhand.ts'
import { percentile } from '../statistics.ts'
import { nextEvent } from './next-event.ts'
import { ProcessVictim, ThreadVictim } from './victims.js'

/** From the end of a worker's thread or process to the next one that runs, by a server without back-off: the median. */
export function replaceEnded(placement: 'thread' | 'process'): Contender {
  return async ({ jobs, deliveries, timed, note }) => {
    deliveries.expect(jobs)
    const victimClass = placement === 'thread' ? ThreadVictim : ProcessVictim
    const server = new Server({ logger: silentLogger, backoff: 0, intensity: 1_000_000 })
    server.add(victimClass, { name: 'victim' })
    const victim = server.get('victim')
    await server.start()
    const took: number[] = []
    await timed(async () => {
      for (let n = 0; n < jobs; n++) {
        const { pid, id } = victim.status()
        const started = nextEvent(victim, 'startup')
        const begun = performance.now()
        // Nobody outside of a process can end one of its threads.
        if (placement === 'process') process.kill(pid!, 'SIGKILL')
        else victim.send('exit')
        await started
        took.push(performance.now() - begun)
        if (!victim.isRunning || victim.id === id) throw new Error('expected another worker to run')
        deliveries.mark(n)
      }
    })
    await server.stop()
    note('99th percentile', percentile(took, 99))
    return percentile(took, 50)
  }
}
