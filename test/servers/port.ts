import { createServer } from 'node:net'

export const HOST = '127.0.0.1'

/**
 * Below those that the system hands out by itself: while a server is down nobody gets its port by chance, and a
 * client that tries to reach it cannot be connected to itself.
 */
const FIRST = 15_000
const COUNT = 15_000

/** A port of the loopback interface that nobody listens at now; who takes it must expect to be too late. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * COUNT)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, HOST, () => probe.close(() => resolve(true)))
  })
}
