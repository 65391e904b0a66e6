import { describe, expect, test } from 'vitest'
import { ensureServers, type Installer } from '../../servers/installation.ts'
import { machineWith } from './machine.ts'

const OTHERS = [
  ...['/opt/a/initdb 15.1', '/opt/a/postgres 15.1'],
  ...['', '_passwd', '_pub', '_sub'].map((name) => `/opt/a/mosquitto${name}`),
]
const LINE = 'type: sudo apt-get update && sudo apt-get install --yes --no-install-recommends redis-server'

interface Scene {
  readonly isRoot?: boolean
  readonly programs?: readonly string[]
  readonly files?: readonly string[]
  /** What apt-get puts in place, by its call: the first, the second ... Undefined: it fails. */
  readonly puts?: readonly (readonly string[] | undefined)[]
}

/** A Debian where apt-get does what the scene says. */
function debian({ isRoot = true, programs = OTHERS, files = ['/etc/debian_version'], puts = [] }: Scene) {
  const installed = [...programs, '/opt/b/apt-get']
  const there = new Set(files)
  const commands: string[] = []
  const policies: boolean[] = []
  let installs = 0
  const machine: Installer = {
    ...machineWith(),
    isProgram: (path) => machineWith(...installed).isProgram(path),
    version: (path) => machineWith(...installed).version(path),
    isRoot,
    exists: (path) => there.has(path),
    write: (path) => there.add(path),
    remove: (path) => there.delete(path),
    run: (command) => {
      commands.push(command.join(' '))
      policies.push(there.has('/usr/sbin/policy-rc.d'))
      if (!command.includes('install')) return { status: 0, output: '' }
      const added = puts[installs++]
      installed.push(...(added ?? []))
      return { status: added === undefined ? 100 : 0, output: 'E: from apt' }
    },
    say: () => {},
  }
  return { machine, commands, policies, there }
}

describe('when all servers are there', () => {
  test('nothing is done', () => {
    const { machine, commands } = debian({ isRoot: false, programs: [...OTHERS, '/opt/a/redis-server'] })
    ensureServers(machine)
    expect(commands).toEqual([])
  })
})

describe('when only some are asked for', () => {
  test('the others are left alone', () => {
    const { machine, commands } = debian({ programs: [], puts: [['/opt/a/redis-server']] })
    ensureServers(machine, ['redis-server'])
    expect(commands).toEqual(['apt-get install --yes --no-install-recommends redis-server'])
    ensureServers(machine, [])
    expect(commands).toHaveLength(1)
  })
})

describe('when a server is missing', () => {
  test('root installs its package, and no service is started meanwhile', () => {
    const { machine, commands, policies, there } = debian({ puts: [['/opt/a/redis-server']] })
    ensureServers(machine)
    expect(commands).toEqual(['apt-get install --yes --no-install-recommends redis-server'])
    expect(policies).toEqual([true])
    expect([...there]).toEqual(['/etc/debian_version'])
  })

  test('package lists that are missing or old are fetched before another try', () => {
    const { machine, commands } = debian({ puts: [undefined, ['/opt/a/redis-server']] })
    ensureServers(machine)
    expect(commands.map((command) => command.split(' ')[1])).toEqual(['install', 'update', 'install'])
  })

  test('a policy of the machine for its services stays as it is', () => {
    const files = ['/etc/debian_version', '/usr/sbin/policy-rc.d']
    const { machine, there } = debian({ files, puts: [['/opt/a/redis-server']] })
    ensureServers(machine)
    expect([...there]).toEqual(files)
  })

  test('what may not be installed is told, with the line to type', () => {
    const { machine, commands } = debian({ isRoot: false })
    expect(() => ensureServers(machine)).toThrow(LINE)
    expect(commands).toEqual([])
  })

  test('what cannot be installed is told, with what apt-get says and the line to type', () => {
    const { machine, there } = debian({})
    expect(() => ensureServers(machine)).toThrow(/E: from apt/)
    expect(() => ensureServers(machine)).toThrow(LINE)
    expect([...there]).toEqual(['/etc/debian_version'])
  })

  test('another system than Debian is told what is needed', () => {
    const { machine } = debian({ files: [], programs: [] })
    expect(() => ensureServers(machine)).toThrow(
      'redis-server and postgresql and mosquitto and mosquitto-clients',
    )
  })
})
