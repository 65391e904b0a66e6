import { renameSync, writeFileSync } from 'node:fs'
import { findFaketime } from '../test/servers/binaries.ts'

/** What lets a process have another time of day, by what a file says, now and whenever it changes. */
export function movedBy(file: string): Record<string, string> {
  return {
    LD_PRELOAD: findFaketime() ?? '',
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    FAKETIME_DONT_RESET: '1',
  }
}

/** @param offset in seconds: `+3600`. Put in place at once: a process may read it at any time. */
export function setClock(file: string, offset: string): void {
  writeFileSync(`${file}.next`, offset)
  renameSync(`${file}.next`, file)
}

/** Why the time of day cannot be moved here, with the way out; undefined when it can. */
export function noFakeClock(): string | undefined {
  return findFaketime() === undefined
    ? 'libfaketime is not installed: apt-get install -y libfaketime'
    : undefined
}
