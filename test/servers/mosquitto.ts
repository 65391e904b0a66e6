import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { findMosquitto } from './binaries.ts'
import { HOST } from './port.ts'
import { PrivateServer } from './private-server.ts'

export interface MosquittoOptions {
  /** Whether sessions outlive the broker, even SIGKILL: each change is written at once. Default: false. */
  readonly persistence?: boolean
  /** Passwords by user. Default: none, and whoever comes is let in. */
  readonly users?: Readonly<Record<string, string>>
  /** Lines of an acl_file: `['user ada', 'topic read sensors/#']`. */
  readonly acl?: readonly string[]
  /** PEM files; the URL is `mqtts:` then. */
  readonly tls?: { readonly certfile: string; readonly keyfile: string; readonly cafile?: string }
  /** More of the configuration: `{ max_inflight_messages: '0' }`. */
  readonly settings?: Readonly<Record<string, string>>
}

/** A CONNECT of MQTT 3.1.1 without a client id. */
const CONNECT = Buffer.from([0x10, 12, 0, 4, ...Buffer.from('MQTT'), 4, 2, 0, 60, 0, 0])

/**
 * A mosquitto of this machine, for this process alone; it takes some 20 ms to start. It has no limits on messages
 * that are under way or wait, unless `settings` say otherwise.
 * @throws Error when there is none; `npm test` installs one.
 */
export function startMosquitto(options: MosquittoOptions = {}): Promise<PrivateServer> {
  const programs = findMosquitto()
  if (programs === undefined)
    throw new Error('there is no mosquitto on this machine: run npm test -- servers')
  const { persistence = false, users, acl, tls, settings = {} } = options
  return PrivateServer.start({
    name: 'mosquitto',
    prepare: async (folder) => {
      if (users !== undefined) {
        const file = join(folder, 'passwords')
        writeFileSync(file, '')
        for (const [user, password] of Object.entries(users))
          execFileSync(programs.passwd, ['-b', file, user, password], { stdio: 'pipe' })
      }
      if (acl !== undefined) writeFileSync(join(folder, 'acl'), `${acl.join('\n')}\n`)
    },
    command: (folder, port) => {
      const all = {
        listener: `${port} ${HOST}`,
        allow_anonymous: users === undefined ? 'true' : 'false',
        ...(process.getuid?.() === 0 ? { user: 'root' } : {}),
        persistence: String(persistence),
        ...(persistence
          ? { persistence_location: `${folder}/`, autosave_interval: '1', autosave_on_changes: 'true' }
          : {}),
        ...(users === undefined ? {} : { password_file: join(folder, 'passwords') }),
        ...(acl === undefined ? {} : { acl_file: join(folder, 'acl') }),
        max_inflight_messages: '0',
        max_queued_messages: '0',
        set_tcp_nodelay: 'true',
        ...tls,
        ...settings,
      }
      const file = join(folder, 'mosquitto.conf')
      writeFileSync(
        file,
        `${Object.entries(all)
          .map((each) => each.join(' '))
          .join('\n')}\n`,
      )
      return [programs.mosquitto, '-c', file]
    },
    url: (port) => `${tls === undefined ? 'mqtt' : 'mqtts'}://${HOST}:${port}`,
    isReady: ({ port }) => answers(port, tls === undefined),
    stopSignal: 'SIGTERM',
    abandonSignal: 'SIGKILL',
  })
}

/** Whether somebody answers there; by TLS, whether somebody takes the connection. */
function answers(port: number, isPlain: boolean): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST, () => {
      if (isPlain) socket.write(CONNECT)
      else end(true)
    })
    const end = (isReady: boolean): void => {
      socket.destroy()
      resolve(isReady)
    }
    socket.setTimeout(1000, () => end(false))
    socket.once('error', () => end(false))
    socket.once('close', () => end(false))
    // Whatever it says to somebody who gave no password.
    socket.once('data', () => end(true))
  })
}
