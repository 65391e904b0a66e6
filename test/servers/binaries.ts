import { execFileSync } from 'node:child_process'
import { accessSync, constants, globSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The parts of a machine that are looked at for programs. */
export interface Machine {
  /** Where programs are looked for, in this order. */
  readonly path: readonly string[]
  /** The folders and files that a pattern names. */
  readonly folders: (pattern: string) => readonly string[]
  readonly isProgram: (path: string) => boolean
  /** What a program says of its version. */
  readonly version: (program: string) => string
}

export const thisMachine: Machine = {
  path: (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''),
  folders: (pattern) => globSync(pattern),
  isProgram: (path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  },
  version: (program) => execFileSync(program, ['--version'], { encoding: 'utf8' }),
}

const OLDEST_POSTGRES = 13

/** The path of a server that speaks Redis' protocol, Redis before Valkey; undefined when there is none. */
export function findRedis({ path, isProgram }: Machine = thisMachine): string | undefined {
  const names = ['redis-server', 'valkey-server']
  return names.flatMap((name) => path.map((folder) => join(folder, name))).find(isProgram)
}

export interface PostgresPrograms {
  readonly initdb: string
  readonly postgres: string
  /** Of both: `15.18`. */
  readonly version: string
}

/** The programs of the newest installation, which are all of one version; undefined when there is none. */
export function findPostgres(machine: Machine = thisMachine): PostgresPrograms | undefined {
  const debian = machine
    .folders('/usr/lib/postgresql/*/bin')
    .toSorted((a, b) => Number(b.split('/')[4]) - Number(a.split('/')[4]))
  for (const folder of [...debian, ...machine.path]) {
    const [initdb, postgres] = [join(folder, 'initdb'), join(folder, 'postgres')]
    if (!machine.isProgram(initdb) || !machine.isProgram(postgres)) continue
    const version = versionOf(machine, postgres)
    if (Number.parseInt(version, 10) >= OLDEST_POSTGRES && versionOf(machine, initdb) === version)
      return { initdb, postgres, version }
  }
  return undefined
}

function versionOf({ version }: Machine, program: string): string {
  return /\) (\d+(?:\.\d+)*)/.exec(version(program))?.[1] ?? ''
}

export interface MosquittoPrograms {
  readonly mosquitto: string
  readonly passwd: string
  /** Of the clients, which Debian has in another package. */
  readonly pub: string
  readonly sub: string
}

/** The MQTT broker and the programs beside it; undefined unless all are there. */
export function findMosquitto({ path, isProgram }: Machine = thisMachine): MosquittoPrograms | undefined {
  // Where Debian has the broker, PATH names only for root.
  const folders = [...path, '/usr/sbin', '/usr/local/sbin']
  const find = (name: string): string | undefined =>
    folders.map((folder) => join(folder, name)).find((file) => isProgram(file))
  const mosquitto = find('mosquitto')
  const [passwd, pub, sub] = ['passwd', 'pub', 'sub'].map((name) => find(`mosquitto_${name}`))
  if (mosquitto === undefined || passwd === undefined || pub === undefined || sub === undefined)
    return undefined
  return { mosquitto, passwd, pub, sub }
}

/** The library that gives a process another time of day; undefined when it is not there. */
export function findFaketime({ folders }: Machine = thisMachine): string | undefined {
  const places = ['/usr/lib/*/faketime', '/usr/lib/faketime', '/usr/local/lib/faketime']
  return places.flatMap((place) => folders(`${place}/libfaketimeMT.so.1`))[0]
}
