import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { uptime } from 'node:os'

/**
 * Names this run of the machine. The lease clock starts anew with each boot, so leases of another boot say
 * nothing; those who held them are gone with it.
 */
export function bootId(): string {
  try {
    if (process.platform === 'linux') return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    if (process.platform === 'darwin') {
      return execFileSync('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8' }).trim()
    }
  } catch {
    // A sandbox may hide it.
  }
  return `${BOOTED_AT}${Math.round(Date.now() - uptime() * 1000)}`
}

const BOOTED_AT = 'booted-at:'
/** A boot takes longer than clocks are set by. */
const TOLERANCE_MS = 60_000

/** Whether two ids name the same boot. Where the id is only a time of day, about the same is the same. */
export function sameBoot(a: string, b: string): boolean {
  if (!a.startsWith(BOOTED_AT) || !b.startsWith(BOOTED_AT)) return a === b
  return Math.abs(Number(a.slice(BOOTED_AT.length)) - Number(b.slice(BOOTED_AT.length))) < TOLERANCE_MS
}
