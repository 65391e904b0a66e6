import { openBackend, silentLogger, type Backend } from 'millhand'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { complexity } from '../../examples/pull-requests/complexity.ts'
import { diagnose } from '../../examples/pull-requests/diagnosis.ts'
import { ServiceBus } from '../../examples/pull-requests/events.ts'
import { PayloadGitHub } from '../../examples/pull-requests/github/payload-github.ts'
import type { Check, Fix, Pull, Repository } from '../../examples/pull-requests/model.ts'
import type { Parts } from '../../examples/pull-requests/parts.ts'
import { createQueues } from '../../examples/pull-requests/queues.ts'
import { audit } from '../../examples/pull-requests/replay/audit.ts'
import { openDatabase } from '../../examples/pull-requests/storage/database.ts'
import { Knowledge } from '../../examples/pull-requests/storage/knowledge.ts'
import { Results, type AnalysisResult } from '../../examples/pull-requests/storage/results.ts'
import { wire } from '../../examples/pull-requests/wiring.ts'
import { BatchCheckAnalyzer } from '../../examples/pull-requests/workers/batch-check-analyzer.ts'
import { checkAnalyzer } from '../../examples/pull-requests/workers/check-analyzer.ts'
import { deliveryWorker } from '../../examples/pull-requests/workers/delivery-worker.ts'
import { fixApplicator } from '../../examples/pull-requests/workers/fix-applicator.ts'
import { pullRequestMonitor } from '../../examples/pull-requests/workers/pull-request-monitor.ts'
import { RepositoryMonitor } from '../../examples/pull-requests/workers/repository-monitor.ts'
import { until } from '../fixtures/until.ts'

const engine: Repository = { id: 1, fullName: 'ada/engine' }
const loom: Repository = { id: 2, fullName: 'joseph/loom' }

function pullOf(repository: Repository, number: number, updatedAt = '2026-01-01T00:00:00Z'): Pull {
  return {
    id: repository.id * 100 + number,
    repositoryId: repository.id,
    number,
    headSha: `sha-${number}`,
    details: {
      title: `Change ${number}`,
      author: 'ada',
      state: 'open',
      draft: false,
      merged: false,
      changedFiles: 4,
      changedLines: 250,
      updatedAt,
    },
  }
}

function checkOf(pull: Pull, id: number, name = 'lint'): Check {
  const { repositoryId, headSha } = pull
  return { id, repositoryId, headSha, name, conclusion: 'failure', log: '' }
}

/** GitHub as its payloads tell, but for what a test makes of it. */
class StagedGitHub extends PayloadGitHub {
  override canPropose = false
  readonly unreachable = new Set<number>()
  readonly proposed: Fix[] = []

  override async openPulls(repository: Repository): Promise<readonly Pull[]> {
    if (this.unreachable.has(repository.id)) throw new Error(`${repository.fullName} does not answer`)
    return super.openPulls(repository)
  }

  override async propose(...[, , fix]: [Repository?, Pull?, Fix?]): Promise<void> {
    this.proposed.push(fix!)
  }
}

let backend: Backend
let database: ReturnType<typeof openDatabase>
let github: StagedGitHub
let parts: Parts

beforeEach(async () => {
  backend = await openBackend('memory:')
  database = openDatabase(':memory:')
  const knowledge = new Knowledge(database)
  github = new StagedGitHub(knowledge)
  const queues = createQueues(backend, silentLogger)
  const bus = new ServiceBus(silentLogger)
  wire(bus, queues)
  parts = { queues, bus, github, knowledge, results: new Results(database), logger: silentLogger }
})
afterEach(async () => {
  await backend.close()
  database.close()
})

const waiting = async (queue: keyof Parts['queues']) =>
  (await parts.queues[queue].list({ states: ['waiting'] })).map(({ type, payload, priority }) => ({
    type,
    payload,
    priority,
  }))

describe('complexity', () => {
  test.each([
    [0, 0, 0],
    [1, 2, 0.302],
    [4, 250, 1.45],
    [30, 1000, 10],
    [1, 1_000_000, 10],
  ])('of %i files and %i lines is %d', (files, lines, expected) => {
    expect(complexity(files, lines)).toBeCloseTo(expected, 9)
  })
})

describe('the diagnosis of a failed check', () => {
  test.each([
    ["build\nError: Cannot find module 'left-pad'", 'dependency'],
    ['Octocoders-linter\n', 'style'],
    ["build\nsrc/a.ts(1,2): error TS2322: Type 'x' is not assignable to type 'y'.", 'types'],
    ['e2e\nThe operation timed out', 'flaky'],
    ['unit\nAssertionError: expected 1 to be 2', 'test'],
    ['Deploy\nexit code 1', 'unknown'],
    ['', 'unknown'],
  ])('of %j is %s', (logs, category) => {
    expect(diagnose(logs).category).toBe(category)
  })
})

describe('the pull-request monitor', () => {
  test('stores a new pull request with its complexity, and feeds its failed checks to the analyzer', async () => {
    const pull = pullOf(engine, 7)
    parts.knowledge.learnRepository(engine)
    parts.knowledge.learnPull(pull)
    parts.knowledge.learnCheck(checkOf(pull, 71))
    parts.knowledge.learnCheck({ ...checkOf(pull, 72), conclusion: 'success' })
    await parts.queues.monitor.add('check_pull_request', {
      repositoryId: 1,
      prNumber: 7,
      forceRefresh: false,
    })

    await pullRequestMonitor(parts).drainOnce()

    expect(parts.results.pull(pull.id)).toMatchObject({ repository: 'ada/engine', complexity: 1.45 })
    expect(await waiting('analysis')).toEqual([
      {
        type: 'analyze_check_batch',
        priority: 2,
        payload: { checkRunId: 71, repositoryId: 1, pullRequestId: pull.id, failureLogs: 'lint\n' },
      },
    ])
  })

  test('announces a pull request as new again when the job that stored it runs a second time', () => {
    const pull = pullOf(engine, 7)
    expect(parts.results.savePull(engine, pull, 'job-1')).toBe('created')
    expect(parts.results.savePull(engine, pull, 'job-1')).toBe('created')
    expect(parts.results.savePull(engine, pull, 'job-2')).toBe('unchanged')
    const later = pullOf(engine, 7, '2026-01-02T00:00:00Z')
    expect(parts.results.savePull(engine, later, 'job-3')).toBe('updated')
    expect(parts.results.savePull(engine, later, 'job-3')).toBe('updated')
    expect(parts.results.savePull(engine, pull, 'job-4')).toBe('unchanged')
    expect(parts.results.pull(pull.id)?.updatedAt).toBe('2026-01-02T00:00:00Z')
  })

  test('gives up at once on a pull request that is not there', async () => {
    parts.knowledge.learnRepository(engine)
    await parts.queues.monitor.add('check_pull_request', { repositoryId: 1, prNumber: 9, forceRefresh: true })
    await pullRequestMonitor(parts).drainOnce()
    const [letter] = await parts.queues.monitor.dead.list()
    expect(letter?.payload.error).toBe('ada/engine has no pull request #9')
  })
})

describe('the repository monitor', () => {
  test('goes on with the other repositories when one cannot be reached', async () => {
    for (const repository of [engine, loom]) {
      parts.knowledge.learnRepository(repository)
      parts.knowledge.learnPull(pullOf(repository, 3))
    }
    github.unreachable.add(engine.id)
    const workers = [new RepositoryMonitor(parts, '1s'), pullRequestMonitor(parts)]
    await Promise.all(workers.map((worker) => worker.start()))

    await until(() => parts.results.pulls().length > 0, { what: 'the other repository to be looked at' })
    const delayed = await until(async () => (await parts.queues.monitor.list({ states: ['delayed'] }))[0], {
      what: 'the unreachable repository to be tried again later',
    })

    expect(parts.results.pulls().map(({ repository }) => repository)).toEqual(['joseph/loom'])
    expect(delayed).toMatchObject({
      payload: { repositoryId: engine.id },
      error: { message: 'ada/engine does not answer' },
    })
    await Promise.all(workers.map((worker) => worker.stop()))
  })
})

describe('the check analyzers', () => {
  const failure = (checkRunId: number, failureLogs: string) => ({
    checkRunId,
    repositoryId: 1,
    pullRequestId: 107,
    failureLogs,
  })

  test('one by one: store what is wrong, and lead to a fix if there is one', async () => {
    await parts.queues.analysis.add('analyze_check', failure(71, 'prettier\n'))
    await parts.queues.analysis.add('analyze_check', failure(72, 'nobody knows\n'))
    await checkAnalyzer(parts).drainOnce()
    expect(parts.results.analyses(107)).toMatchObject([
      { checkRunId: 71, category: 'style' },
      { checkRunId: 72, category: 'unknown' },
    ])
    expect(await waiting('fixes')).toMatchObject([
      { type: 'apply_fix', priority: 3, payload: { pullRequestId: 107, confidenceScore: 0.9 } },
    ])
  })

  test('in a batch: one that fails does not fail its neighbours', async () => {
    class Picky extends Results {
      override saveAnalysis(analysis: AnalysisResult): void {
        if (analysis.checkRunId === 72) throw new Error('no room for this one')
        super.saveAnalysis(analysis)
      }
    }
    parts = { ...parts, results: new Picky(database) }
    const jobs = [71, 72, 73].map((id) => ({
      type: 'analyze_check_batch' as const,
      payload: failure(id, 'lint\n'),
    }))
    await parts.queues.analysis.addMany(jobs)
    const analyzer = new BatchCheckAnalyzer(parts)
    await analyzer.drainOnce()
    expect(analyzer.batchCount).toBe(1)
    expect(parts.results.analyses(107).map(({ checkRunId }) => checkRunId)).toEqual([71, 73])
    expect((await parts.queues.analysis.stats()).counts).toMatchObject({ done: 2, delayed: 1 })
  })

  test('leave what is not theirs to each other', async () => {
    await parts.queues.analysis.add('analyze_check', failure(71, ''))
    await parts.queues.analysis.add('analyze_check_batch', failure(72, ''))
    expect(await checkAnalyzer(parts).drainOnce()).toMatchObject({ processed: 1 })
    expect(await new BatchCheckAnalyzer(parts).drainOnce()).toMatchObject({ processed: 1 })
  })
})

describe('the fix applicator', () => {
  const fix = (confidenceScore: number) => ({
    pullRequestId: 107,
    fixStrategy: 'run-formatter',
    fixContent: 'Run it.',
    confidenceScore,
  })

  beforeEach(() => {
    parts.knowledge.learnRepository(engine)
    parts.knowledge.learnPull(pullOf(engine, 7))
  })

  test('proposes what is as good as certain, and notes the rest', async () => {
    github.canPropose = true
    await parts.queues.fixes.add('apply_fix', fix(0.9), { id: 'sure' })
    await parts.queues.fixes.add('apply_fix', fix(0.5), { id: 'unsure' })
    await fixApplicator(parts).drainOnce()
    expect(github.proposed).toEqual([{ id: 'sure', strategy: 'run-formatter', content: 'Run it.' }])
    expect(parts.results.fixes(107).map(({ id, outcome }) => [id, outcome])).toEqual([
      ['sure', 'proposed'],
      ['unsure', 'noted'],
    ])
  })

  test('only notes it where there is nobody to propose it to', async () => {
    await parts.queues.fixes.add('apply_fix', fix(0.9), { id: 'sure' })
    await fixApplicator(parts).drainOnce()
    expect(github.proposed).toEqual([])
    expect(parts.results.fixes(107)).toMatchObject([{ id: 'sure', outcome: 'noted' }])
  })
})

describe('an event that a subscriber fails on', () => {
  test('fails the job, so that what should have followed is not forgotten', async () => {
    parts.bus.subscribe('pulls.touched', () => {
      throw new Error('not today')
    })
    await touch('first')
    await deliveryWorker(parts).drainOnce()
    expect((await parts.queues.deliveries.get('first'))?.state).toBe('delayed')
    expect((await parts.queues.deliveries.get('first'))?.error?.message).toBe('not today')
    expect(await waiting('monitor')).toEqual([])
  })
})

describe('the audit', () => {
  test('finds a delivery done only when everything that followed is', async () => {
    await touch('first')
    const verdict = () => audit(parts.queues, ['first'])
    expect(await verdict()).toEqual({ done: 0, dead: 0, lost: 1 })
    await deliveryWorker(parts).drainOnce()
    expect(await verdict()).toEqual({ done: 0, dead: 0, lost: 1 })
    await pullRequestMonitor(parts).drainOnce()
    expect(await verdict()).toEqual({ done: 1, dead: 0, lost: 0 })
    // Somebody removes what followed: the delivery itself is still there, and still done.
    await parts.queues.monitor.purge(['done'])
    expect(await verdict()).toEqual({ done: 0, dead: 0, lost: 1 })
  })

  test('finds a delivery dead when something that followed is', async () => {
    await touch('first')
    await deliveryWorker(parts).drainOnce()
    database.exec('DELETE FROM repository')
    await pullRequestMonitor(parts).drainOnce()
    expect(await audit(parts.queues, ['first'])).toEqual({ done: 0, dead: 1, lost: 0 })
  })

  test('finds a delivery lost that was never stored', async () => {
    expect(await audit(parts.queues, ['nowhere'])).toEqual({ done: 0, dead: 0, lost: 1 })
  })
})

describe('what the deliveries have said', () => {
  test('is never replaced by something older, nor by less', () => {
    const { knowledge } = parts
    const reference: Pull = { ...pullOf(engine, 7), details: null }
    const [older, newer] = [pullOf(engine, 7), pullOf(engine, 7, '2026-01-02T00:00:00Z')]
    for (const said of [reference, newer, older, reference]) knowledge.learnPull(said)
    expect(knowledge.pull(107)).toEqual(newer)

    const failed = checkOf(newer, 71)
    knowledge.learnCheck(failed)
    knowledge.learnCheck({ ...failed, conclusion: null })
    expect(knowledge.checksOf(engine.id, newer.headSha)).toEqual([failed])
  })
})

/** A delivery that says that pull request 7 of the engine is different now. */
async function touch(id: string): Promise<void> {
  await parts.queues.deliveries.add(
    'pull_request_review',
    {
      action: 'submitted',
      repository: { id: engine.id, full_name: engine.fullName },
      pull_request: { id: 107, number: 7, head: { sha: 'sha-7' }, base: { repo: { id: engine.id } } },
    },
    { id },
  )
}
