import { setTimeout as sleep } from 'node:timers/promises'
import { HOST } from './port.ts'
import type { PrivateServer } from './private-server.ts'
import { ask, startRedis } from './redis.ts'

export interface RedisCluster {
  readonly masters: readonly PrivateServer[]
  /** Of its first master. */
  readonly url: string
  stop(): Promise<void>
}

const SLOTS = 16_384
const READY_MS = 20_000

/** Three masters without replicas, which share the slots. It takes some two seconds to start. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000']
  const masters = await Promise.all([0, 1, 2].map(() => startRedis({ args })))
  const [first] = masters
  const stop = async (): Promise<void> => {
    await Promise.all(masters.map((master) => master.stop()))
  }
  try {
    for (const [index, { port }] of masters.entries()) {
      const [from, to] = [index, index + 1].map((part) => Math.floor((SLOTS * part) / masters.length))
      await command(port, `CLUSTER ADDSLOTSRANGE ${from} ${to! - 1}`)
      if (index > 0) await command(port, `CLUSTER MEET ${HOST} ${first!.port}`)
    }
    const deadline = performance.now() + READY_MS
    while (!(await Promise.all(masters.map(knowsAll))).every(Boolean)) {
      if (performance.now() > deadline) throw new Error('the Redis cluster did not come up')
      await sleep(20)
    }
  } catch (error) {
    await stop()
    throw error
  }
  return { masters, url: first!.url, stop }
}

async function knowsAll({ port }: PrivateServer): Promise<boolean> {
  const info = await ask(port, 'CLUSTER INFO')
  return info?.includes('cluster_state:ok') === true && info.includes('cluster_known_nodes:3')
}

async function command(port: number, text: string): Promise<void> {
  const answer = await ask(port, text)
  if (!answer?.startsWith('+OK')) throw new Error(`expected ${text} to be answered by OK, got: ${answer}`)
}
