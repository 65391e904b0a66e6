import type { JobContext } from 'millhand'
import { diagnose } from '../diagnosis.ts'
import type { Parts } from '../parts.ts'
import type { CheckAnalysis } from '../queues.ts'
import { Trail, type JobResult } from '../trail.ts'

/** The analysis of one failed check, however its job came: alone or in a batch. */
export async function analyzeCheck(
  { results, bus }: Pick<Parts, 'results' | 'bus'>,
  { checkRunId, pullRequestId, failureLogs }: CheckAnalysis,
  context: JobContext,
): Promise<JobResult> {
  const trail = new Trail(context)
  const { content, ...diagnosis } = diagnose(failureLogs)
  const analysis = { checkRunId, pullId: pullRequestId, ...diagnosis }
  results.saveAnalysis(analysis)
  await bus.announce('check.analyzed', { analysis, content, next: trail.next })
  return trail.result()
}
