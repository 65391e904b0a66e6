import { setTimeout as sleep } from 'node:timers/promises'
import type { Proxy } from './proxy.ts'
import type { Random } from './random.ts'
import type { StoreServer } from './store-server.ts'

export interface Way {
  readonly server: StoreServer
  /** Between the server and all who use it. */
  readonly proxy: Proxy
  readonly random: Random
}

/** Something that happens between the workers and their store, and passes. */
export interface Outage {
  readonly name: string
  /** Makes it happen. Resolves when it is over: whoever asks the server anew is answered. @returns how many faults. */
  happen(way: Way): Promise<number>
  /** How long it may take until each process has work settled again. */
  readonly recoveryMs: number
}

const RECOVERY_MS = 2000
/** A connection that says nothing is given up after so long. */
const SILENCE_MS = 5000

export const restart: Outage = {
  name: 'restart',
  recoveryMs: RECOVERY_MS,
  async happen({ server, random }) {
    await server.end('SIGTERM')
    await sleep(random.integer(0, 1000))
    await server.start()
    return 1
  },
}

export const crash: Outage = {
  name: 'crash',
  recoveryMs: RECOVERY_MS,
  async happen({ server, random }) {
    await server.end('SIGKILL')
    await sleep(random.integer(0, 1000))
    await server.start()
    return 1
  },
}

/** The server itself ends half of its connections. */
export const cut: Outage = {
  name: 'cut',
  recoveryMs: RECOVERY_MS,
  happen: ({ server, random }) => server.cutConnections(() => random.next() < 0.5),
}

export const drop: Outage = {
  name: 'drop',
  recoveryMs: RECOVERY_MS,
  happen: async ({ proxy }) => proxy.drop(),
}

/** What was asked is done, and nobody hears of it. */
export const lostReplies: Outage = {
  name: 'lost-replies',
  recoveryMs: RECOVERY_MS,
  happen: ({ proxy, random }) => proxy.loseReplies(random.integer(5, 100)),
}

export const halfClose: Outage = {
  name: 'half-close',
  recoveryMs: RECOVERY_MS,
  happen: async ({ proxy, random }) => proxy.halfClose(random.next() < 0.5 ? 'client' : 'server'),
}

export const delay: Outage = {
  name: 'delay',
  recoveryMs: RECOVERY_MS,
  async happen({ proxy, random }) {
    proxy.delay(random.integer(100, 400))
    await sleep(1000)
    proxy.delay(0)
    return 1
  },
}

export const silence: Outage = {
  name: 'silence',
  recoveryMs: SILENCE_MS + RECOVERY_MS,
  happen: async ({ proxy }) => proxy.silence(),
}
