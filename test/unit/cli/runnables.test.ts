import { describe, expect, test } from 'vitest'
import { memory } from '../../../src/backends/memory/index.ts'
import { runnablesOf } from '../../../src/cli/runnables.ts'
import { Queue } from '../../../src/queue/queue.ts'
import { Server } from '../../../src/server/server.ts'
import { Worker } from '../../../src/worker/worker.ts'

class Ticker extends Worker {
  override async main() {}
}

describe('what a file exports to run', () => {
  test('is each of its workers, once, whatever names it has', () => {
    const [a, b] = [new Ticker(), new Ticker()]
    const found = runnablesOf({ default: a, a, list: [b, a], Ticker, number: 5 }, 'app.ts')
    expect(found.workers).toEqual([a, b])
    expect(found.servers).toEqual([])
  })

  test('a worker that an exported server has is left to it', () => {
    const [minded, loose] = [new Ticker(), new Ticker()]
    const server = new Server().add(minded)
    const found = runnablesOf({ minded, loose, server }, 'app.ts')
    expect(found).toMatchObject({ servers: [server], workers: [loose] })
  })

  test('CommonJS exports are found where they are', () => {
    const worker = new Ticker()
    expect(runnablesOf({ default: { worker }, 'module.exports': { worker } }, 'app.cjs').workers).toEqual([
      worker,
    ])
  })

  test('queues are found to be closed, but are nothing to run', () => {
    const queue = new Queue('mail', { backend: memory() })
    expect(runnablesOf({ queue, worker: new Ticker() }, 'app.ts').queues).toEqual([queue])
    expect(() => runnablesOf({ queue }, 'app.ts')).toThrow(
      /app.ts exports no worker .* queue \(a queue\).*mail.worker/,
    )
  })

  test('a file without any is told what to export', () => {
    expect(() => runnablesOf({}, 'app.ts')).toThrow(/^app.ts exports nothing. Export what is to run/)
    expect(() => runnablesOf({ Ticker }, 'app.ts')).toThrow('a class of workers: export an instance')
  })

  test('a worker of another copy of the library is recognised', () => {
    const Foreign = {
      Worker: class Worker {
        stop() {}
      },
    }.Worker
    class Theirs extends Foreign {}
    expect(() => runnablesOf({ worker: new Theirs() }, 'app.ts')).toThrow('another copy of millhand')
  })
})
