import { findMosquitto, findPostgres, findRedis, type Machine } from './binaries.ts'

/** What installing needs of a machine, beyond what finding does. */
export interface Installer extends Machine {
  readonly isRoot: boolean
  /** Whether a file is there. */
  readonly exists: (path: string) => boolean
  readonly write: (path: string, text: string) => void
  readonly remove: (path: string) => void
  /** Runs a command to its end. @returns its status, with what it printed. */
  readonly run: (command: readonly string[]) => { readonly status: number; readonly output: string }
  readonly say: (text: string) => void
}

/** What the tests need, and the Debian package that has it. */
const SERVERS: readonly { readonly package: string; readonly find: (machine: Machine) => unknown }[] = [
  { package: 'redis-server', find: findRedis },
  { package: 'postgresql', find: findPostgres },
  { package: 'mosquitto', find: findMosquitto },
  { package: 'mosquitto-clients', find: findMosquitto },
]
/** Debian asks this file whether an installed service may be started: 101 is no. */
const POLICY = '/usr/sbin/policy-rc.d'

/**
 * Sees to it that there are the servers that the tests start, and installs Debian's packages of those that are
 * missing where it may. Starts no service.
 * @throws Error with the line to type when it may not or cannot.
 */
export function ensureServers(machine: Installer): void {
  const missing = (): string[] =>
    SERVERS.filter(({ find }) => find(machine) === undefined).map((server) => server.package)
  const packages = missing()
  if (packages.length === 0) return
  const install = ['apt-get', 'install', '--yes', '--no-install-recommends', ...packages]
  const byHand = `type: sudo apt-get update && sudo ${install.join(' ')}`
  if (!machine.exists('/etc/debian_version') || !machine.path.some((folder) => isProgram(machine, folder))) {
    throw new Error(
      `the tests need the servers of the Debian packages ${packages.join(' and ')}: install them`,
    )
  }
  if (!machine.isRoot) throw new Error(`the tests need servers that are not installed; ${byHand}`)
  machine.say(`installing ${packages.join(' and ')}`)
  const refuses = !machine.exists(POLICY)
  if (refuses) machine.write(POLICY, '#!/bin/sh\nexit 101\n')
  try {
    // Lists that are missing or old name packages that are not there.
    const { status, output } = machine.run(install)
    if (status !== 0 || missing().length > 0) {
      machine.run(['apt-get', 'update'])
      const again = machine.run(install)
      if (again.status !== 0) throw new Error(`${output}\n${again.output}\n${byHand}`)
    }
  } finally {
    if (refuses) machine.remove(POLICY)
  }
  if (missing().length > 0) throw new Error(`installed, but not found: ${missing().join(' and ')}; ${byHand}`)
}

function isProgram(machine: Machine, folder: string): boolean {
  return machine.isProgram(`${folder}/apt-get`)
}
