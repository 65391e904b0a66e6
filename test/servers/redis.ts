import { connect } from 'node:net'
import { findRedis } from './binaries.ts'
import { HOST } from './port.ts'
import { PrivateServer, type ServerKind } from './private-server.ts'

export interface RedisServerOptions {
  /** Of the default user. Default: none. */
  readonly password?: string
  /** Whether it answers only when a change is on the disk (`appendfsync always`). Default: it keeps nothing. */
  readonly durable?: boolean
  /** More arguments of redis-server: `['--maxmemory', '10mb']`. */
  readonly args?: readonly string[]
}

/**
 * A Redis or Valkey of this machine, for this process alone; it takes some 30 ms to start.
 * @throws Error when there is none; `npm test` installs one.
 */
export function startRedis(options: RedisServerOptions = {}): Promise<PrivateServer> {
  return PrivateServer.start(redisKind(options))
}

export function redisKind({ password, durable = false, args = [] }: RedisServerOptions = {}): ServerKind {
  const program = redisProgram()
  const secret = password === undefined ? [] : ['--requirepass', password]
  const persistence = durable ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no']
  const credentials = password === undefined ? '' : `:${encodeURIComponent(password)}@`
  return {
    name: 'redis',
    command: (folder, port) => [
      program,
      ...['--bind', HOST, '--port', String(port), '--dir', folder, '--save', ''],
      ...persistence,
      ...secret,
      ...args,
    ],
    url: (port) => `redis://${credentials}${HOST}:${port}`,
    isReady: ({ port }) => answersPing(port),
    stopSignal: 'SIGTERM',
    abandonSignal: 'SIGKILL',
  }
}

export function redisProgram(): string {
  const program = findRedis()
  if (program === undefined)
    throw new Error('there is no redis-server on this machine: run npm test -- servers')
  return program
}

/** While it loads its data it says LOADING. */
export async function answersPing(port: number): Promise<boolean> {
  const answer = await ask(port, 'PING')
  return answer !== undefined && !answer.startsWith('-LOADING')
}

/** The first part of an answer, as it came; undefined when there was none. */
export function ask(port: number, command: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST, () => socket.write(`${command}\r\n`))
    const end = (answer?: string): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(1000, end)
    socket.once('error', () => end())
    socket.once('close', () => end())
    socket.once('data', (data) => end(data.toString()))
  })
}
