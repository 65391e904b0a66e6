import type { Suite } from '../case.ts'
import { POOL_CASES } from './pool-cases.ts'

/** Which settings of the peers are their best: the evidence for those of the suite `pool`. */
export const suite: Suite = {
  name: 'pool-settings',
  cases: POOL_CASES.map(({ all }) => ({ ...all, rounds: 3 })),
}
