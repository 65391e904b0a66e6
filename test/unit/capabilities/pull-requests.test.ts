/** The messages of the pull-request service: what is in them, how urgent they are, and what makes them. */
import { silentLogger, type JobContext } from 'millhand'
import { memory } from 'millhand/memory'
import { describe, expect, it } from 'vitest'
import { ServiceBus } from '../../../examples/pull-requests/events.ts'
import type { Parts } from '../../../examples/pull-requests/parts.ts'
import { createQueues, PRIORITY } from '../../../examples/pull-requests/queues.ts'
import { wire } from '../../../examples/pull-requests/wiring.ts'
import { RepositoryMonitor } from '../../../examples/pull-requests/workers/repository-monitor.ts'

const queues = createQueues(memory(), silentLogger)

describe('the messages', () => {
  it('are the more urgent the nearer they are to a fix', () => {
    expect(PRIORITY).toEqual({ monitor: 1, analysis: 2, fix: 3 })
  })

  it('begin with a push, which has its repository monitored afresh', async () => {
    const bus = new ServiceBus(silentLogger)
    wire(bus, queues)
    const jobs: unknown[] = []
    const next = (async (queue, type, payload, options) => {
      jobs.push([queue.name, type, payload, options])
      return 'id'
    }) as JobContext['followUp']
    await bus.announce('repository.pushed', { repository: { id: 7, fullName: 'ada/engine' }, next })
    expect(jobs).toEqual([
      ['monitor', 'monitor_repository', { repositoryId: 7, forceRefresh: true }, { priority: 1 }],
    ])
  })

  it('begin every 300 s as well, in case a delivery never came', () => {
    expect(new RepositoryMonitor({ queues, logger: silentLogger } as Parts).options.every).toBe('300s')
  })

  it('are refused when something is missing or cannot be', async () => {
    const { monitor, analysis, fixes } = queues
    const fix = { pullRequestId: 1, fixStrategy: 'lint', fixContent: '', confidenceScore: 1.5 }
    const refused = [
      [monitor.add('check_pull_request', { repositoryId: 1, forceRefresh: true } as never), 'prNumber'],
      [monitor.add('monitor_repository', { repositoryId: '1', forceRefresh: true } as never), 'repositoryId'],
      [
        analysis.add('analyze_check', { checkRunId: 1, repositoryId: 1, pullRequestId: 1 } as never),
        'failureLogs',
      ],
      [fixes.add('apply_fix', fix), 'confidenceScore'],
    ] as const
    for (const [adding, path] of refused) {
      await expect(adding).rejects.toMatchObject({ code: 'INVALID_PAYLOAD', issues: [{ path }] })
    }
  })
})
