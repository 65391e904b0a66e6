import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** A variable of the environment that a server process is given, and hands down to all that it starts. */
export const MARKER = 'MILLHAND_CHAOS_RUN'

const EVERY_MS = 20

/** The processes that live with this marker, by what the system says, not by what anybody remembers. */
export function markedWith(marker: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => hasMarker(pid, marker))
}

/** Waits until no process has the marker, at most so long. @returns those that still have it. */
export async function leftAfter(marker: string, withinMs: number): Promise<number[]> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const left = markedWith(marker)
    if (left.length === 0 || performance.now() > deadline) return left
    await sleep(EVERY_MS)
  }
}

/** Ends what is left of a run, whoever started it. */
export function endMarked(marker: string): void {
  for (const pid of markedWith(marker)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended meanwhile.
    }
  }
}

/** A process that has ended and waits for its parent to look has no environment any more. */
function hasMarker(pid: number, marker: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`${MARKER}=${marker}`)
  } catch {
    return false
  }
}
