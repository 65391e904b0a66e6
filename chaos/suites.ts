import type { ChaosCase, StoreUnderTest } from './case.ts'
import { kill, terminate } from './cases/kill.ts'

export interface Suite {
  readonly store: StoreUnderTest
  readonly cases: readonly ChaosCase[]
}

/** What every store that several processes can share has to bear. */
const SHARED = [kill, terminate]

export const SUITES: Readonly<Record<string, Suite>> = {
  sqlite: {
    store: { name: 'sqlite', url: (folder) => `sqlite:${folder}/jobs.db` },
    cases: [...SHARED],
  },
}
