import { readFileSync, statSync } from 'node:fs'
import type { Location } from './open.ts'

/** Who holds locks of the database, for a message: process ids where the system tells (Linux). */
export function lockHolders(location: Location): string {
  const unknown = 'another program'
  if (typeof location !== 'string') return unknown
  try {
    // In write-ahead mode the locks are those of the shared-memory file.
    const inode = String(statSync(`${location}-shm`).ino)
    const pids = new Set<string>()
    for (const line of readFileSync('/proc/locks', 'utf8').split('\n')) {
      // 1: POSIX ADVISORY WRITE 4711 fd:01:1234567 120 120
      const [, , , kind, pid, file] = line.trim().split(/\s+/)
      if (kind === 'WRITE' && pid !== undefined && file?.split(':')[2] === inode) pids.add(pid)
    }
    pids.delete(String(process.pid))
    return pids.size === 0 ? unknown : `process ${[...pids].join(' and ')}`
  } catch {
    return unknown
  }
}
