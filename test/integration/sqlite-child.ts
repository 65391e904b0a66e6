/** Another process at the same file: `node sqlite-child.ts ROLE PATH [ARGUMENT]`. Talks to its parent by messages. */
import { DatabaseSync } from 'node:sqlite'
import { sqlite } from '../../src/backends/sqlite/index.ts'
import type { Backend, ClaimRequest, Settlement } from '../../src/queue/backend.ts'

const [role = '', path = '', argument = ''] = process.argv.slice(2)

const roles: Record<string, (backend: Backend) => Promise<void>> = {
  /** Only opens it. */
  open: async (backend) => {
    say({ queues: (await backend.stats()).length })
    await backend.close()
  },

  /** Works until nothing is left and says which jobs it did. */
  work: async (backend) => {
    say('ready')
    await heard()
    const done: string[] = []
    let settlements: Settlement[] = []
    for (let n = 1; ; n++) {
      const { settled, claimed } = await backend.exchange(settlements, request(n, 20))
      settled.forEach((result, at) => {
        if (result.status === 'ok') done.push(settlements[at]!.ref.id)
      })
      settlements = claimed.jobs.map(({ id, seq, token }) => ({
        ref: { queue: 'q', id, seq, token },
        outcome: { kind: 'done', result: null, keepMs: 0 },
      }))
      if (settlements.length === 0) break
    }
    say({ done, at: Date.now() })
    await backend.close()
  },

  /** Takes jobs, starts half of them, and hangs until it is killed. */
  seize: async (backend) => {
    const { jobs } = await backend.claim({ ...request(1, 10), start: 5 })
    say({ started: jobs.filter(({ started }) => started).map(({ id }) => id), claimed: jobs.length })
    await new Promise(() => setInterval(() => {}, 1000))
  },

  /** Holds the write lock until it is told to let go, as a database tool would. */
  hold: async () => {
    const tool = new DatabaseSync(path)
    tool.exec('BEGIN IMMEDIATE')
    say('ready')
    await heard()
    tool.exec('COMMIT')
    tool.close()
    process.exit()
  },

  /** Sits idle, says when it is woken, and what that cost of CPU time when asked. */
  idle: async (backend) => {
    let before = process.cpuUsage()
    process.on('message', (message) => {
      const { user, system } = process.cpuUsage(before)
      if (message === 'cpu') say({ cpuMs: (user + system) / 1000 })
      before = process.cpuUsage()
    })
    backend.watch('q', () => say({ wokenAt: Date.now() }))
    await backend.claim(request(1, 10))
    say('ready')
  },
}

function request(n: number, limit: number): ClaimRequest {
  return {
    queue: 'q',
    types: ['mail'],
    owner: argument,
    token: `${argument}:${n}`,
    limit,
    maxBytes: 1_000_000,
    start: limit,
    leaseMs: 30_000,
    renewForMs: null,
    suspects: 'none',
  }
}

function say(message: object | string): void {
  process.send?.(message)
}

function heard(): Promise<unknown> {
  return new Promise((resolve) => {
    process.once('message', resolve)
  })
}

const backend = sqlite(path, { durability: 'normal' })
await backend.open()
await roles[role]!(backend)
