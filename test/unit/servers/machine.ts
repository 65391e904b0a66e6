import { dirname } from 'node:path'
import type { Machine } from '../../servers/binaries.ts'

/** A machine with these programs, each a path, or a path and a version; PATH is /opt/a and /opt/b. */
export function machineWith(...programs: readonly string[]): Machine {
  const versions = new Map(programs.map((each) => [each.split(' ')[0]!, each.split(' ')[1] ?? '']))
  const folders = [...new Set([...versions.keys()].map((program) => dirname(program)))]
  return {
    path: ['/opt/a', '/opt/b'],
    folders: (pattern) => folders.filter((folder) => folder.startsWith(pattern.split('*')[0]!)),
    isProgram: (path) => versions.has(path),
    version: (program) => `${program} (PostgreSQL) ${versions.get(program) ?? ''} (Debian)`,
  }
}
