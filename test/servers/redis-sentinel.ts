import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { HOST } from './port.ts'
import { PrivateServer } from './private-server.ts'
import { answersPing, ask, redisProgram, startRedis } from './redis.ts'

export interface RedisWithSentinel {
  /** The name by which the Sentinel knows the master. */
  readonly name: string
  readonly sentinel: PrivateServer
  /** The master at first, and its replica. */
  readonly master: PrivateServer
  readonly replica: PrivateServer
  /** The port of who is master now, as the Sentinel says. */
  masterPort(): Promise<number>
  stop(): Promise<void>
}

const NAME = 'primary'
const READY_MS = 20_000
/** A master that is silent for so long is taken to be dead. */
const DOWN_AFTER_MS = 500

/** A master, a replica of it, and a Sentinel that makes the replica the master half a second after the other died. */
export async function startRedisWithSentinel(): Promise<RedisWithSentinel> {
  const started: PrivateServer[] = []
  const note = (server: PrivateServer): PrivateServer => {
    started.push(server)
    return server
  }
  const stop = async (): Promise<void> => {
    await Promise.all(started.toReversed().map((server) => server.stop()))
  }
  try {
    const atOnce = ['--repl-diskless-sync-delay', '0']
    const master = note(await startRedis({ args: atOnce }))
    const args = [...atOnce, '--replicaof', `${HOST} ${master.port}`]
    const replica = note(await startRedis({ args }))
    await eventually('the replica to follow', async () =>
      (await ask(master.port, 'INFO replication'))?.includes('state=online'),
    )
    // Only now: it asks the master for its replicas at first, and then not for ten seconds.
    const sentinel = note(await PrivateServer.start(sentinelKind(master.port)))
    await eventually('the Sentinel to know the replica', async () =>
      (await ask(sentinel.port, `SENTINEL REPLICAS ${NAME}`))?.includes(`${replica.port}`),
    )
    return { name: NAME, sentinel, master, replica, masterPort: () => masterPort(sentinel), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function sentinelKind(master: number): Parameters<typeof PrivateServer.start>[0] {
  const program = redisProgram()
  return {
    name: 'sentinel',
    prepare: async (folder) => {
      const lines = [
        `sentinel monitor ${NAME} ${HOST} ${master} 1`,
        `sentinel down-after-milliseconds ${NAME} ${DOWN_AFTER_MS}`,
        `sentinel failover-timeout ${NAME} 3000`,
      ]
      writeFileSync(join(folder, 'sentinel.conf'), `${lines.join('\n')}\n`)
    },
    command: (folder, port) => [
      program,
      join(folder, 'sentinel.conf'),
      ...['--sentinel', '--bind', HOST, '--port', String(port), '--dir', folder],
    ],
    url: (port) => `redis://${HOST}:${port}`,
    isReady: ({ port }) => answersPing(port),
    stopSignal: 'SIGTERM',
    abandonSignal: 'SIGKILL',
  }
}

async function masterPort(sentinel: PrivateServer): Promise<number> {
  const answer = await ask(sentinel.port, `SENTINEL GET-MASTER-ADDR-BY-NAME ${NAME}`)
  return Number(answer?.split('\r\n')[4])
}

async function eventually(what: string, condition: () => Promise<boolean | undefined>): Promise<void> {
  const deadline = performance.now() + READY_MS
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`expected ${what} within ${READY_MS / 1000} s`)
    await sleep(20)
  }
}
