import { execFileSync, type ExecFileSyncOptions } from 'node:child_process'
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findPostgres, type PostgresPrograms } from './binaries.ts'
import { HOST } from './port.ts'
import { PrivateServer } from './private-server.ts'

export interface PostgresServerOptions {
  /** Asked for by SCRAM, of the superuser `postgres`. Default: none, and whoever comes is trusted. */
  readonly password?: string
  /** Whether it waits for the disk, as it does by default elsewhere. Default: false. */
  readonly durable?: boolean
  /** Settings: `{ max_connections: '20' }`. */
  readonly settings?: Readonly<Record<string, string>>
}

interface Account {
  readonly uid: number
  readonly gid: number
}

/**
 * A Postgres of this machine, for this process alone; it takes some 300 ms to start, and two seconds more the
 * first time. The URL names the superuser `postgres` and its database.
 * @throws Error when there is none; `npm test` installs one.
 */
export function startPostgres(options: PostgresServerOptions = {}): Promise<PrivateServer> {
  const { password, durable = false, settings = {} } = options
  const programs = findPostgres()
  if (programs === undefined) throw new Error('there is no Postgres on this machine: run npm test -- servers')
  const user = process.getuid?.() === 0 ? accountOf('postgres') : undefined
  const credentials = password === undefined ? 'postgres' : `postgres:${encodeURIComponent(password)}`
  const all = {
    listen_addresses: HOST,
    unix_socket_directories: '',
    fsync: durable ? 'on' : 'off',
    // Off, a crash of the server alone would lose what it has committed.
    full_page_writes: durable ? 'on' : 'off',
    ...settings,
  }
  return PrivateServer.start({
    name: 'postgres',
    user,
    prepare: async (folder) => {
      const data = join(folder, 'data')
      execFileSync('cp', ['-R', template(programs, user), data], { ...user })
      if (password === undefined) return
      setPassword(programs, data, password, user)
      writeFileSync(join(data, 'pg_hba.conf'), 'host all all all scram-sha-256\n')
    },
    command: (folder, port) => [
      programs.postgres,
      ...['-D', join(folder, 'data'), '-p', String(port)],
      ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    url: (port) => `postgres://${credentials}@${HOST}:${port}/postgres`,
    isReady: async ({ folder, pid }) => saysReady(join(folder, 'data', 'postmaster.pid'), pid),
    // Fast shutdown: it cuts off its clients. The other one is immediate, but removes its shared memory.
    stopSignal: 'SIGINT',
    abandonSignal: 'SIGQUIT',
  })
}

/** It does not run as root. */
function accountOf(name: string): Account {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${name}:`))
  const [, , uid, gid] = line?.split(':') ?? []
  if (uid === undefined || gid === undefined) {
    throw new Error(`there is no user ${name} on this machine, and Postgres does not run as root`)
  }
  return { uid: Number(uid), gid: Number(gid) }
}

/** A new cluster, to be copied: making one takes seconds. */
function template({ initdb, version }: PostgresPrograms, user: Account | undefined): string {
  const owner = user?.uid ?? process.getuid?.() ?? 0
  const path = join(tmpdir(), `millhand-postgres-${version}-${owner}`)
  // In a folder where everybody may write, something of this name might be anybody's.
  if (existsSync(path) && lstatSync(path).isDirectory() && lstatSync(path).uid === owner) return path
  const made = mkdtempSync(`${path}-`)
  if (user !== undefined) chownSync(made, user.uid, user.gid)
  const options = ['--no-sync', '--auth=trust', '--username=postgres', '--encoding=UTF8', '--locale=C.UTF-8']
  execFileSync(initdb, ['-D', made, ...options], { ...user, cwd: tmpdir(), stdio: 'pipe' })
  try {
    renameSync(made, path)
  } catch {
    // Another process was faster.
    rmSync(made, { recursive: true })
  }
  return path
}

function setPassword(
  { postgres }: PostgresPrograms,
  data: string,
  password: string,
  user: Account | undefined,
): void {
  const input = `ALTER USER postgres PASSWORD '${password.replaceAll("'", "''")}'\n`
  const options: ExecFileSyncOptions = { ...user, cwd: data, input, stdio: ['pipe', 'pipe', 'pipe'] }
  execFileSync(postgres, ['--single', '-D', data, '-c', 'fsync=off', 'postgres'], options)
}

/** Its own word for it, as pg_ctl reads it; one that was killed leaves the file, which goes when the next one comes. */
function saysReady(file: string, pid: number): boolean {
  const lines = textOf(file).split('\n')
  return Number(lines[0]) === pid && lines[7]?.trim() === 'ready'
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
