import { randomBytes } from 'node:crypto'
import { Hono } from 'hono'
import { createLogger, HealthChecker, type Logger, type Worker } from 'millhand'
import { sqlite } from 'millhand/sqlite'
import { ServiceBus } from './events.ts'
import { chooseGitHub } from './github/choose.ts'
import type { Options } from './options.ts'
import type { Parts } from './parts.ts'
import { createQueues, type Queues } from './queues.ts'
import { openDatabase } from './storage/database.ts'
import { Knowledge } from './storage/knowledge.ts'
import { Results } from './storage/results.ts'
import { healthApi } from './web/health-api.ts'
import { listen } from './web/listen.ts'
import { readApi } from './web/read-api.ts'
import { WebServer } from './web/web-server.ts'
import { receiver } from './webhooks/receiver.ts'
import { Tally } from './webhooks/tally.ts'
import { wire } from './wiring.ts'
import { BatchCheckAnalyzer } from './workers/batch-check-analyzer.ts'
import { checkAnalyzer } from './workers/check-analyzer.ts'
import { deliveryWorker } from './workers/delivery-worker.ts'
import { fixApplicator } from './workers/fix-applicator.ts'
import { pullRequestMonitor } from './workers/pull-request-monitor.ts'
import { RepositoryMonitor } from './workers/repository-monitor.ts'

/** The service, put together and listening, with its workers not started yet. */
export interface Service {
  readonly queues: Queues
  readonly results: Results
  /** In the order in which they are to start: who takes work in comes last, and stops first. */
  readonly workers: readonly Worker[]
  readonly url: string
  readonly secret: string
  readonly logger: Logger
  /** Closes the databases, when the workers have ended. */
  readonly close: () => Promise<void>
}

export async function openService(options: Options, env: NodeJS.ProcessEnv): Promise<Service> {
  const logger = createLogger(env['LOG_LEVEL'] === undefined ? { level: 'warn' } : {})
  const database = openDatabase(resultsFile(options.db))
  const backend = sqlite(options.db)
  const queues = createQueues(backend, logger)
  const close = async (): Promise<void> => {
    await backend.close()
    database.close()
  }
  try {
    await backend.open()
    const knowledge = new Knowledge(database)
    const results = new Results(database)
    // The examples are about strangers' pull requests: nothing is proposed there while they are replayed.
    const github = await chooseGitHub(env['GITHUB_TOKEN'], knowledge, { propose: !options.replay })
    const bus = new ServiceBus(logger)
    wire(bus, queues)
    const parts: Parts = { queues, bus, github, knowledge, results, logger }

    const secret = env['WEBHOOK_SECRET'] || randomBytes(32).toString('hex')
    const health = new HealthChecker()
    const tally = new Tally()
    const app = new Hono()
      .route('/', receiver({ deliveries: queues.deliveries, secret, tally, logger }))
      .route('/', readApi(results))
      .route('/', healthApi(health, tally))
    const { server, url } = await listen(app, options.host, options.port)
    const workers = [...jobWorkers(parts), new WebServer(server, logger)]
    watch(health, workers, queues)
    return { queues, results, workers, url, secret, logger, close }
  } catch (error) {
    await close()
    throw error
  }
}

function jobWorkers(parts: Parts): Worker[] {
  return [
    fixApplicator(parts),
    checkAnalyzer(parts),
    new BatchCheckAnalyzer(parts),
    pullRequestMonitor(parts),
    deliveryWorker(parts),
    new RepositoryMonitor(parts),
  ]
}

/** The results have a file of their own: the other one belongs to Millhand, which may change its schema. */
function resultsFile(db: string): string {
  return db.endsWith('.db') ? `${db.slice(0, -3)}-results.db` : `${db}-results`
}

function watch(health: HealthChecker, workers: readonly Worker[], { deliveries }: Queues): void {
  for (const worker of workers) health.watch(worker, { maxIdle: false })
  health.addDependency('the store', () => deliveries.stats())
}
