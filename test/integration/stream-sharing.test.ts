/** Real processes that share a stream on a real server, come, go, are killed and stopped, with one ledger of all. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { redisStream } from 'millhand/redis'
import type { StreamProducer } from '../../src/stream/source/producer.ts'
import type { SharingOptions } from '../fixtures/stream/sharing-process.ts'
import { until } from '../fixtures/until.ts'
import type { PrivateServer } from '../servers/private-server.ts'
import { startRedis } from '../servers/redis.ts'

const PROGRAM = join(import.meta.dirname, '../fixtures/stream/sharing-process.ts')
const SHARDS = 8
const KEYS = 40
/** Where nobody is to lose one, however busy the machine is. */
const LONG_LEASE_MS = 20_000

interface Report {
  readonly shards: readonly number[]
  readonly members: number
  readonly fencedCommits: number
  readonly lost: number
}

class Sharing {
  readonly child: ChildProcess
  report: Report = { shards: [], members: 0, fencedCommits: 0, lost: 0 }
  #errors = ''

  constructor(options: SharingOptions) {
    const args = ['--conditions=millhand-source', PROGRAM, JSON.stringify(options)]
    this.child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    createInterface({ input: this.child.stdout! }).on('line', (line) => {
      this.report = JSON.parse(line) as Report
    })
    this.child.stderr!.on('data', (data: Buffer) => {
      this.#errors += data.toString()
      if (this.#errors.length < 5_000) process.stderr.write(data)
    })
  }

  get owned(): number {
    return this.report.shards.length
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode
    const exit = once(this.child, 'exit')
    this.child.kill(signal)
    const [code] = (await exit) as [number | null]
    this.report = { ...this.report, shards: [] }
    return code
  }
}

let server: PrivateServer
let redis: Redis
let producer: StreamProducer
let feeding: NodeJS.Timeout | undefined
const processes: Sharing[] = []
const numbers = new Map<string, number>()

beforeEach(async () => {
  server = await startRedis()
  redis = new Redis(server.url)
  producer = redisStream(server.url, { name: 'prices', shards: SHARDS }).producer()
  numbers.clear()
})
afterEach(async () => {
  clearInterval(feeding)
  await Promise.all(processes.splice(0).map((each) => each.end('SIGKILL')))
  await producer.close()
  redis.disconnect()
  await server.stop()
})

function begin(options: Partial<SharingOptions> = {}): Sharing {
  const process = new Sharing({ url: server.url, name: 'prices', leaseMs: 1_000, workMs: 0, ...options })
  processes.push(process)
  return process
}

/** So many messages, of all keys in turn. */
function append(count: number): void {
  for (let i = 0; i < count; i++) {
    const key = `key-${i % KEYS}`
    const n = (numbers.get(key) ?? 0) + 1
    numbers.set(key, n)
    void producer.append(key, String(n))
  }
}

/** One of each key, every few ms, until it is told to end. */
function keepAppending(): void {
  feeding = setInterval(() => append(KEYS), 10)
}

async function allHandled(): Promise<void> {
  clearInterval(feeding)
  await producer.flush()
  await until(
    async () => {
      const lists = await ledger()
      return [...numbers].every(([key, n]) => new Set(lists.get(key)).size === n)
    },
    { timeout: '40s', what: 'all messages to be handled' },
  )
}

async function ledger(): Promise<Map<string, number[]>> {
  const keys = [...numbers.keys()]
  const lists = await Promise.all(keys.map((key) => redis.lrange(`ledger:${key}`, 0, -1)))
  return new Map(keys.map((key, at) => [key, lists[at]!.map(Number)]))
}

/** Each number of a key comes first after the one before it, and no state was used that had missed any. */
async function expectOrder(): Promise<void> {
  for (const [key, list] of await ledger()) {
    let last = 0
    for (const n of list) {
      if (n > last + 1) expect.fail(`${key}: ${n} was handled before ${last + 1}`)
      last = Math.max(last, n)
    }
  }
  expect(await redis.lrange('silent', 0, -1)).toEqual([])
}

async function repeated(): Promise<number> {
  return [...(await ledger()).values()].reduce((sum, list) => sum + list.length - new Set(list).size, 0)
}

function isShared(...among: readonly Sharing[]): boolean {
  const sizes = among.map(({ owned }) => owned)
  const sum = sizes.reduce((all, n) => all + n, 0)
  return sum === SHARDS && Math.max(...sizes) - Math.min(...sizes) <= 1
}

test('processes that come and go in order handle each message once, those of a key in order', async () => {
  keepAppending()
  const first = begin({ leaseMs: LONG_LEASE_MS })
  await until(() => isShared(first))
  const second = begin({ leaseMs: LONG_LEASE_MS })
  await until(() => isShared(first, second))
  const third = begin({ leaseMs: LONG_LEASE_MS })
  await until(() => isShared(first, second, third))
  expect(await first.end('SIGTERM')).toBe(0)
  await until(() => isShared(second, third))
  expect(await third.end('SIGTERM')).toBe(0)
  await until(() => isShared(second))
  await allHandled()
  await expectOrder()
  expect(await repeated()).toBe(0)
  // Who took over has told its keys that their states are elsewhere.
  expect(new Set((await redis.lrange('gaps', 0, -1)).map((gap) => gap.split(' ')[1]))).toEqual(
    new Set(['moved']),
  )
})

test('the shards of a process that is killed are taken over after its lease, and nothing is lost', async () => {
  keepAppending()
  const [alive, killed] = [begin({ workMs: 2 }), begin({ workMs: 2 })]
  await until(() => isShared(alive, killed))
  await until(async () => (await redis.llen('ledger:key-0')) > 20)
  const killedAt = performance.now()
  await killed.end('SIGKILL')
  await until(() => isShared(alive))
  const tookMs = performance.now() - killedAt
  const again = begin()
  await until(() => isShared(alive, again))
  await allHandled()
  await expectOrder()
  // Not before: its lease was renewed a third of a second before its end at most.
  expect(tookMs).toBeGreaterThan(600)
})

test('a process that was stopped past its lease changes nothing when it goes on', async () => {
  append(400)
  const [alive, stopped] = [begin(), begin()]
  await until(() => isShared(alive, stopped))
  // Keys of all shards; those of the other process go through, for it is held only once.
  for (let k = 0; k < KEYS; k++) void producer.append(`stuck-${k}`, 'stuck')
  const holder = Number(await until(() => redis.get('holder')))
  const [held, other] = holder === stopped.child.pid ? [stopped, alive] : [alive, stopped]
  held.child.kill('SIGSTOP')
  keepAppending()
  await until(() => isShared(other), { what: 'its shards to be taken over' })
  await until(async () => new Set(await redis.lrange('stuck', 0, -1)).size > 0)
  await allHandled()
  const offsets = await redis.hgetall('{millhand:%stream:prices}:g:default:offsets')
  await redis.set('go', 1)
  held.report = { ...held.report, shards: [] }
  held.child.kill('SIGCONT')
  await until(() => held.report.lost > 0, { what: 'it to see that it has lost its shards' })
  await until(() => isShared(held, other))
  append(400)
  await allHandled()
  await expectOrder()
  const later = await redis.hgetall('{millhand:%stream:prices}:g:default:offsets')
  for (const [shard, offset] of Object.entries(offsets)) {
    expect(Number(later[shard]!.split('-')[1])).toBeGreaterThanOrEqual(Number(offset.split('-')[1]))
  }
})
