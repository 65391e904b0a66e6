/**
 * The cases that every queue backend must pass. A backend that is not ours runs them like this, with any runner:
 *
 *     for (const { title, run } of runnable(conformanceCases, openMyHarness)) {
 *       test(title, (t) => run((reason) => t.skip(reason)))
 *     }
 */
import type { ConformanceCase } from './case.ts'
import { claimCases } from './topics/claim.ts'
import { crashCases } from './topics/crash.ts'
import { enqueueCases } from './topics/enqueue.ts'
import { inspectCases } from './topics/inspect.ts'
import { leaseCases } from './topics/lease.ts'
import { modelCases } from './topics/model.ts'
import { settleCases } from './topics/settle.ts'
import { steerCases } from './topics/steer.ts'
import { storeCases } from './topics/store.ts'
import { timeCases } from './topics/time.ts'

export { type ConformanceCase, type Harness, type Need, runnable, type RunnableCase } from './case.ts'

/** Every case, topic by topic. */
export const conformanceCases: readonly ConformanceCase[] = [
  ...enqueueCases,
  ...claimCases,
  ...leaseCases,
  ...settleCases,
  ...crashCases,
  ...timeCases,
  ...steerCases,
  ...inspectCases,
  ...storeCases,
  ...modelCases,
]
