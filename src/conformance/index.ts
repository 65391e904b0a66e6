/**
 * The cases that every queue backend must pass. A backend that is not ours runs them like this, with any runner:
 *
 *     for (const { title, run } of runnable(conformanceCases, openMyHarness)) {
 *       test(title, (t) => run((reason) => t.skip(reason)))
 *     }
 */
import type { ConformanceCase } from './case.ts'
import { cancelCases } from './topics/cancel.ts'
import { claimCases } from './topics/claim.ts'
import { crashCases } from './topics/crash.ts'
import { deadLettersCases } from './topics/dead-letters.ts'
import { delayedCases } from './topics/delayed.ts'
import { durabilityCases } from './topics/durability.ts'
import { enqueueCases } from './topics/enqueue.ts'
import { exchangeCases } from './topics/exchange.ts'
import { expiryCases } from './topics/expiry.ts'
import { fencingCases } from './topics/fencing.ts'
import { followUpsCases } from './topics/follow-ups.ts'
import { idempotentAddCases } from './topics/idempotent-add.ts'
import { inspectCases } from './topics/inspect.ts'
import { leaseCases } from './topics/lease.ts'
import { lookCases } from './topics/look.ts'
import { lostReplyCases } from './topics/lost-reply.ts'
import { maxLengthCases } from './topics/max-length.ts'
import { modelCases } from './topics/model.ts'
import { openAndCloseCases } from './topics/open-and-close.ts'
import { orderCases } from './topics/order.ts'
import { pauseCases } from './topics/pause.ts'
import { payloadCases } from './topics/payload.ts'
import { progressCases } from './topics/progress.ts'
import { queuesCases } from './topics/queues.ts'
import { retentionCases } from './topics/retention.ts'
import { retryCases } from './topics/retry.ts'
import { schedulesCases } from './topics/schedules.ts'
import { settleCases } from './topics/settle.ts'
import { sharingCases } from './topics/sharing.ts'
import { startCases } from './topics/start.ts'
import { statsCases } from './topics/stats.ts'
import { suspectsCases } from './topics/suspects.ts'
import { refusedTransactionsCases, transactionsCases } from './topics/transactions.ts'
import { unhandledTypesCases } from './topics/unhandled-types.ts'
import { upkeepCases } from './topics/upkeep.ts'
import { watchCases } from './topics/watch.ts'

export {
  type ConformanceCase,
  type Harness,
  type Need,
  type OpenTransaction,
  runnable,
  type RunnableCase,
} from './case.ts'

/** Every case, topic by topic. */
export const conformanceCases: readonly ConformanceCase[] = [
  ...enqueueCases,
  ...idempotentAddCases,
  ...maxLengthCases,
  ...claimCases,
  ...orderCases,
  ...lostReplyCases,
  ...leaseCases,
  ...fencingCases,
  ...startCases,
  ...settleCases,
  ...retryCases,
  ...exchangeCases,
  ...followUpsCases,
  ...progressCases,
  ...crashCases,
  ...suspectsCases,
  ...delayedCases,
  ...expiryCases,
  ...retentionCases,
  ...upkeepCases,
  ...unhandledTypesCases,
  ...deadLettersCases,
  ...cancelCases,
  ...pauseCases,
  ...inspectCases,
  ...statsCases,
  ...schedulesCases,
  ...watchCases,
  ...lookCases,
  ...payloadCases,
  ...transactionsCases,
  ...refusedTransactionsCases,
  ...queuesCases,
  ...sharingCases,
  ...openAndCloseCases,
  ...durabilityCases,
  ...modelCases,
]
