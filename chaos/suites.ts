import type { ChaosCase, StoreUnderTest } from './case.ts'
import { blockedLoop } from './cases/blocked-loop.ts'
import { clockJump } from './cases/clock-jump.ts'
import { freeze } from './cases/freeze.ts'
import { kill, terminate } from './cases/kill.ts'
import { outages } from './cases/outages.ts'
import { heldTransaction } from './cases/postgres/held-transaction.ts'
import { diskFull } from './cases/sqlite/disk-full.ts'
import { readOnly } from './cases/sqlite/read-only.ts'
import { writeLock } from './cases/sqlite/write-lock.ts'
import { workerClock } from './cases/worker-clock.ts'
import { postgresStore } from './stores/postgres.ts'
import { redisStore } from './stores/redis.ts'

export interface Suite {
  readonly store: StoreUnderTest
  readonly cases: readonly ChaosCase[]
}

/** What every store that several processes can share has to bear. */
const SHARED = [kill, terminate, freeze, blockedLoop]

export const SUITES: Readonly<Record<string, Suite>> = {
  sqlite: {
    store: {
      name: 'sqlite',
      isServer: false,
      needs: [],
      open: async (folder) => ({ url: `sqlite:${folder}/jobs.db`, close: async () => {} }),
    },
    cases: [...SHARED, clockJump, writeLock, diskFull, readOnly],
  },
  redis: {
    store: redisStore,
    cases: [...SHARED, workerClock, ...outages],
  },
  postgres: {
    store: postgresStore,
    cases: [...SHARED, workerClock, ...outages, heldTransaction],
  },
}
