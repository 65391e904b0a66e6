/** Node alone, without anybody who minds: what starting a thread or a process costs by itself. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker as Thread } from 'node:worker_threads'
import type { Contender } from '../case.ts'
import { AT_ONCE, type Extension } from '../loads/start-threads.ts'
import { percentile } from '../statistics.ts'

const THREAD = `
import { parentPort } from 'node:worker_threads'
parentPort.on('message', () => process.exit(1))
parentPort.postMessage('up')
`
const PROCESS = `
process.on('message', () => {})
process.send('up')
`

/** The same as of the workers: one is ended, and as soon as that is known another is started. The median. */
export function replaceBare(placement: 'thread' | 'process'): Contender {
  return async ({ jobs, folder, deliveries, timed }) => {
    deliveries.expect(jobs)
    const file = join(folder, 'bare.mjs')
    writeFileSync(file, placement === 'thread' ? THREAD : PROCESS)
    const start = async (): Promise<Thread | ChildProcess> => {
      const child = placement === 'thread' ? new Thread(file) : fork(file, { execArgv: [] })
      await once(child, 'message')
      return child
    }
    let child = await start()
    const took: number[] = []
    await timed(async () => {
      for (let n = 0; n < jobs; n++) {
        const ended = once(child, 'exit')
        const begun = performance.now()
        if (child instanceof Thread) child.postMessage('exit')
        else child.kill('SIGKILL')
        await ended
        child = await start()
        took.push(performance.now() - begun)
        deliveries.mark(n)
      }
    })
    if (child instanceof Thread) await child.terminate()
    else child.kill('SIGKILL')
    return percentile(took, 50)
  }
}

/** Eight threads of an empty file at once, until each has run it, which is when it ends: the median. */
export function startBareThreads(extension: Extension): Contender {
  return async ({ jobs, folder, deliveries, timed, note }) => {
    deliveries.expect(jobs)
    const file = join(folder, `empty.${extension}`)
    writeFileSync(file, '')
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    const took: number[] = []
    const online: number[] = []
    await timed(async () => {
      for (let n = 0; n < jobs; n += AT_ONCE) {
        const begun = performance.now()
        const threads = Array.from({ length: AT_ONCE }, () => new Thread(file))
        const ended = threads.map((thread) => once(thread, 'exit'))
        await Promise.all(threads.map((thread) => once(thread, 'online')))
        online.push(performance.now() - begun)
        await Promise.all(ended)
        took.push(performance.now() - begun)
        for (const i of threads.keys()) deliveries.mark(n + i)
      }
    })
    note('until online', percentile(online, 50))
    return percentile(took, 50)
  }
}
