import { findFaketime, findMosquitto, findPostgres, findRedis, type Machine } from './binaries.ts'

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

/** What can be needed, by its Debian package. */
const PACKAGES = {
  'redis-server': findRedis,
  postgresql: findPostgres,
  mosquitto: findMosquitto,
  'mosquitto-clients': findMosquitto,
  libfaketime: findFaketime,
} as const satisfies Readonly<Record<string, (machine: Machine) => unknown>>

export type PackageName = keyof typeof PACKAGES

/** What the tests need. */
const SERVERS: readonly PackageName[] = ['redis-server', 'postgresql', 'mosquitto', 'mosquitto-clients']
/** Debian asks this file whether an installed service may be started: 101 is no. */
const POLICY = '/usr/sbin/policy-rc.d'

/**
 * Sees to it that there is what is needed, by default the servers that the tests start, and installs Debian's packages
 * of what is missing where it may. Starts no service.
 * @throws Error with the line to type when it may not or cannot.
 */
export function ensureServers(machine: Installer, needed: readonly PackageName[] = SERVERS): void {
  const missing = (): string[] => needed.filter((name) => PACKAGES[name](machine) === undefined)
  const packages = missing()
  if (packages.length === 0) return
  const install = ['apt-get', 'install', '--yes', '--no-install-recommends', ...packages]
  const byHand = `type: sudo apt-get update && sudo ${install.join(' ')}`
  if (!machine.exists('/etc/debian_version') || !machine.path.some((folder) => isProgram(machine, folder))) {
    throw new Error(`what is in the Debian packages ${packages.join(' and ')} is needed: install it`)
  }
  if (!machine.isRoot) throw new Error(`${packages.join(' and ')} must be installed; ${byHand}`)
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
