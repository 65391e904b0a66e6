import { InvalidOptionError, LeaseLostError, MillhandError, show, StateError } from '../../core/errors.ts'
import type { AnyQueue } from '../any-queue.ts'
import type { Transaction } from '../backend.ts'
import { checkTransaction } from '../transaction.ts'
import type { Attempt } from './attempt.ts'
import { done } from './outcome.ts'

/**
 * Settles a job as done, with its follow-ups, in its handler's own transaction. Whether that was committed is found
 * out when the handler has ended; see verifier.ts.
 * @throws LeaseLostError when the job is not ours any more: the transaction must be rolled back.
 */
export async function completeWithin(
  attempt: Attempt,
  { backend, settings }: AnyQueue,
  transaction: Transaction,
  result: unknown,
): Promise<void> {
  if (transaction === undefined || transaction === null) {
    throw new InvalidOptionError(
      'transaction',
      `expected transaction to be your client in a transaction, got: ${show(transaction)}`,
    )
  }
  checkTransaction(backend, transaction)
  const { id } = attempt.claimed
  if (attempt.isOver)
    throw new StateError(`the attempt at job ${id} is over, it cannot be completed any more`)
  await attempt.followUpsReady()
  await backend.open()
  const { ref, hasFollowUps, followUps } = attempt
  const outcome = done(attempt, settings, result)
  const settlement = hasFollowUps ? { ref, outcome, followUps } : { ref, outcome }
  const [answer] = await backend.settle([settlement], transaction)
  if (answer!.status === 'stale') {
    const lost = new LeaseLostError(
      `job ${id} cannot be completed: its lease is lost or it was cancelled; roll the transaction back`,
    )
    attempt.abort(lost)
    throw lost
  }
  for (const followUp of answer!.followUps) {
    if (followUp.status !== 'rejected') continue
    throw new MillhandError(
      followUp.code,
      `follow-up ${followUp.id} of job ${id} was refused: ${followUp.reason}`,
    )
  }
  attempt.completed()
}
