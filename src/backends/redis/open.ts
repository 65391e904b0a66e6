import { BackendError, InvalidOptionError } from '../../core/errors.ts'
import type { Connection } from './connection.ts'
import type { HashTag, Keys } from './keys.ts'
import { newer } from './record.ts'

/** The form in which jobs are kept. Another number is another form. */
const FORMAT = 1
const OLDEST: readonly [major: number, minor: number] = [6, 2]

export interface OpenOptions {
  readonly keys: Keys
  readonly hashTag: HashTag
  readonly allowEviction: boolean
  readonly label: string
}

/** Looks whether the server can be used, and marks it as used by us. */
export async function prepare(connection: Connection, options: OpenOptions): Promise<void> {
  await checkServer(connection, options)
  await checkMarker(connection, options)
}

/** @throws BackendError when the server is too old, or may drop what is kept in it. */
export async function checkServer(
  connection: Connection,
  { label, allowEviction }: Pick<OpenOptions, 'label' | 'allowEviction'>,
): Promise<void> {
  const info = String(await connection.command('', ['INFO']))
  checkVersion(info, label)
  if (!allowEviction) checkEviction(info, label)
}

function field(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1]
}

function checkVersion(info: string, label: string): void {
  const version = field(info, 'redis_version') ?? ''
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return
  throw new BackendError(
    'BACKEND_UNAVAILABLE',
    `expected ${label} to be Redis ${OLDEST.join('.')} or newer, got: ${version || 'no version'}`,
    { retryable: false },
  )
}

function checkEviction(info: string, label: string): void {
  const policy = field(info, 'maxmemory_policy')
  if (policy === undefined || policy === 'noeviction') return
  throw new BackendError(
    'BACKEND_UNAVAILABLE',
    `expected the maxmemory-policy of ${label} to be noeviction, got: ${policy}, by which it may drop jobs when its memory is full; run CONFIG SET maxmemory-policy noeviction (and note it in redis.conf), or pass allowEviction: true to risk it`,
    { retryable: false },
  )
}

async function checkMarker(connection: Connection, { keys, hashTag, label }: OpenOptions): Promise<void> {
  const mine = `millhand ${FORMAT} ${hashTag}`
  const { marker } = keys
  const set = await connection.command(marker, ['SET', marker, mine, 'NX'])
  const found = set === null ? String(await connection.command(marker, ['GET', marker])) : mine
  if (found === mine) return
  const [, format, tag] = /^millhand (\d+) ?(\w*)/.exec(found) ?? []
  if (format === undefined) {
    throw new BackendError(
      'BACKEND_FOREIGN',
      `the key ${marker} on ${label} belongs to another program; choose another prefix`,
    )
  }
  if (Number(format) > FORMAT) throw newer(`the store ${marker} on ${label}`)
  throw new InvalidOptionError(
    'hashTag',
    `expected hashTag to be '${tag}', as the store ${marker} on ${label} was made with, got: '${hashTag}'`,
  )
}
