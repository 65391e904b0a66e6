import { Worker, type Logger } from 'millhand'
import type { Queues } from '../queues.ts'
import type { Results } from '../storage/results.ts'
import { audit } from './audit.ts'
import { deliver, type Answer } from './deliver.ts'
import { drained } from './drain.ts'
import { exampleDeliveries } from './examples.ts'
import { LiveLine } from './live-line.ts'
import { report, summary } from './report.ts'

export interface ReplayOptions {
  readonly url: string
  readonly secret: string
  readonly queues: Queues
  readonly results: Results
  readonly json: boolean
  /** Called when all is done and told, with whether everything that was sent came to an end. */
  readonly onEnd: (isWhole: boolean) => void
  readonly logger: Logger
}

/** How many deliveries are on their way at once. */
const CONCURRENCY = 8
/** Every so many-th is sent twice, as GitHub does on request: the service has to notice. */
const TWICE_EVERY = 10

/** Plays GitHub: sends all examples, waits until everything is worked off, and tells what became of them. */
export class ReplayWorker extends Worker<ReplayOptions> {
  readonly #line = new LiveLine()

  constructor(options: ReplayOptions) {
    super({ ...options, name: 'replay' })
  }

  protected override async main(): Promise<void> {
    const { queues, results, json, onEnd } = this.options
    const answers = await this.#deliver()
    if (this.signal.aborted) return
    await drained(queues, this.signal, ({ finished, unfinished }) => {
      this.#line.show(`working   ${finished} jobs done, ${unfinished} to go`)
    })
    const refused = answers.filter(({ status }) => status === 'refused')
    const stored = answers.filter(({ status }) => status === 'accepted' || status === 'duplicate')
    const ids = new Set(stored.map(({ id }) => id))
    const result = report(answers, await audit(queues, ids))
    this.#line.end(`audited   ${ids.size} deliveries, each looked up in the store`)
    for (const { id, reason } of refused) this.logger.error({ id, reason }, 'a delivery was refused')
    process.stdout.write(json ? `${JSON.stringify(result)}\n` : await summary(result, queues, results))
    onEnd(result.lost === 0 && refused.length === 0)
  }

  async #deliver(): Promise<Answer[]> {
    const { url, secret } = this.options
    const examples = exampleDeliveries()
    const deliveries = examples.flatMap((each, index) => (index % TWICE_EVERY === 0 ? [each, each] : [each]))
    const answers: Answer[] = []
    await deliver(deliveries, {
      url,
      secret,
      concurrency: CONCURRENCY,
      signal: this.signal,
      onAnswer: (answer) => {
        answers.push(answer)
        this.#line.show(`replaying ${answers.length} of ${deliveries.length} deliveries`)
      },
    })
    return answers
  }
}
