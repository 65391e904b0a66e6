import { spawn } from 'node:child_process'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Contender } from '../case.ts'
import { THRESHOLD, THRESHOLD_MS } from './stall.ts'

const ENTRY = fileURLToPath(new URL('blocked-server-entry.ts', import.meta.url))
/** What the watchdog writes. */
const SEEN = 'the event loop of this process is blocked'
const DEADLINE_MS = 20_000

/** From `while (true)` in the process of a server itself until its watchdog has written so: the slowest. */
export function seeStallOfServer(): Contender {
  return async ({ jobs, deliveries, timed, note }) => {
    deliveries.expect(jobs)
    let slowest = 0
    await timed(async () => {
      for (let n = 0; n < jobs; n++) {
        slowest = Math.max(slowest, await seeOne())
        deliveries.mark(n)
      }
    })
    note(THRESHOLD, THRESHOLD_MS)
    return slowest
  }
}

async function seeOne(): Promise<number> {
  const server = spawn(process.execPath, [ENTRY], { stdio: ['ignore', 'pipe', 'pipe'] })
  const deadline = setTimeout(() => server.kill('SIGKILL'), DEADLINE_MS)
  try {
    const seen = lineWith(createInterface(server.stderr), SEEN)
    await lineWith(createInterface(server.stdout), 'blocks')
    const begun = performance.now()
    await seen
    return performance.now() - begun
  } finally {
    clearTimeout(deadline)
    server.kill('SIGKILL')
  }
}

/** @throws Error when there are no more lines. */
function lineWith(lines: Interface, text: string): Promise<void> {
  const found = new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => line.includes(text) && resolve())
    lines.once('close', () => reject(new Error(`expected the server to write "${text}"`)))
  })
  // It may be known before anybody waits for it.
  found.catch(() => {})
  return found
}
