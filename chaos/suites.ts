import type { ChaosCase, StoreUnderTest } from './case.ts'
import { blockedLoop } from './cases/blocked-loop.ts'
import { clockJump } from './cases/clock-jump.ts'
import { freeze } from './cases/freeze.ts'
import { kill, terminate } from './cases/kill.ts'
import { diskFull } from './cases/sqlite/disk-full.ts'
import { readOnly } from './cases/sqlite/read-only.ts'
import { writeLock } from './cases/sqlite/write-lock.ts'

export interface Suite {
  readonly store: StoreUnderTest
  readonly cases: readonly ChaosCase[]
}

/** What every store that several processes can share has to bear. */
const SHARED = [kill, terminate, freeze, blockedLoop, clockJump]

export const SUITES: Readonly<Record<string, Suite>> = {
  sqlite: {
    store: { name: 'sqlite', url: (folder) => `sqlite:${folder}/jobs.db` },
    cases: [...SHARED, writeLock, diskFull, readOnly],
  },
}
