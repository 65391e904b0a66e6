import { setTimeout as sleep } from 'node:timers/promises'
import type { CaseResult, ChaosCase, ChaosContext } from '../case.ts'
import { now } from '../clock.ts'
import type { Work } from '../job.ts'
import * as kinds from '../outages.ts'
import type { Outage } from '../outages.ts'
import { Random } from '../random.ts'
import { recoveryMs, type Return } from '../recovery.ts'
import { Trial } from '../trial.ts'

interface Plan {
  readonly name: string
  readonly title: string
  readonly quick: boolean
  readonly outages: readonly Outage[]
  /** How often each comes, at full size. */
  readonly times: number
}

/** Between the recovery from one and what comes next. */
const GAP_MS = { quick: 200, full: 500 }
const PROCESSES = 3
const CONCURRENCY = 10
/** A little more than the processes can do. */
const FEED = { everyMs: 100, jobs: 35, atFirst: 200 }

const { restart, crash, cut, drop, lostReplies, halfClose, delay, silence } = kinds

/**
 * Nobody is killed who runs jobs, and no outage lasts for as long as a lease: nothing may run twice, and each
 * process must go on by itself.
 */
export const outages: readonly ChaosCase[] = [
  {
    name: 'restart',
    title: 'the server of the store restarts, again and again',
    quick: false,
    outages: [restart],
    times: 10,
  },
  {
    name: 'crash',
    title: 'SIGKILL to the server of the store, again and again',
    quick: false,
    outages: [crash],
    times: 10,
  },
  {
    name: 'cut',
    title: 'the server ends half of its connections, again and again',
    quick: false,
    outages: [cut],
    times: 15,
  },
  {
    name: 'network',
    title: 'connections are dropped, delayed, half closed, and fall silent',
    quick: false,
    outages: [drop, lostReplies, halfClose, delay, silence],
    times: 4,
  },
  {
    name: 'outages',
    title: 'all that can come between workers and the server of their store, once each',
    quick: true,
    outages: [restart, crash, cut, drop, lostReplies, halfClose, delay, silence],
    times: 2,
  },
].map(toCase)

function toCase(plan: Plan): ChaosCase {
  const { name, title, quick } = plan
  return { name, title, quick, run: (context) => run(plan, context) }
}

async function run({ outages: each, times }: Plan, context: ChaosContext): Promise<CaseResult> {
  const random = new Random(context.seed)
  const trial = await Trial.open(context, {
    processes: PROCESSES,
    concurrency: CONCURRENCY,
    leaseMs: 30_000,
    proxied: true,
    offlineWaitMs: 60_000,
    durable: true,
  })
  const { proxy, supervisor } = trial
  const { server } = trial.store
  if (proxy === undefined || server === undefined) throw new Error('expected a store that is a server')
  const feed = feeding(trial, context.seed)
  await supervisor.start()
  await sleep(GAP_MS[context.scale])
  let strikes = 0
  const found: { name: string; tookMs: number }[] = []
  for (const outage of schedule(each, context.scale === 'quick' ? 1 : times, random)) {
    const lives = supervisor.ready.map(({ life }) => life)
    strikes += await outage.happen({ server, proxy, random })
    const over: Return = { at: now(), lives }
    const tookMs = await recovered(trial, over, outage.recoveryMs * 3)
    if (tookMs > outage.recoveryMs) {
      trial.violations.push(
        `after ${outage.name} it took ${(tookMs / 1000).toFixed(1)} s until all processes worked again, ` +
          `expected at most ${outage.recoveryMs / 1000} s`,
      )
    }
    found.push({ name: outage.name, tookMs })
    await sleep(GAP_MS[context.scale])
  }
  await feed.stop()
  await trial.workedOff()
  const result = await trial.judge()
  const told = trial.runs().filter(({ abortedAt }) => abortedAt !== undefined)
  const aborted = told.length > 0 ? [`${told.length} handlers were told that their leases were lost`] : []
  return {
    ...result,
    strikes,
    outagesMs: found.filter(({ name }) => name === 'restart' || name === 'crash').map(({ tookMs }) => tookMs),
    notes: [`worked again after ${slowest(found)}`],
    violations: [...result.violations, ...aborted],
  }
}

/** Each so often, in an order that the seed decides. */
function schedule(each: readonly Outage[], times: number, random: Random): Outage[] {
  return Array.from({ length: times }, () => each.map((outage) => ({ outage, at: random.next() })))
    .flatMap((round) => round.toSorted((a, b) => a.at - b.at))
    .map(({ outage }) => outage)
}

/** Adds jobs of 20 to 180 ms for as long as it takes, whatever happens to the store. */
function feeding(trial: Trial, seed: number): { stop(): Promise<void> } {
  const random = new Random(seed)
  const stop = new AbortController()
  let n = 0
  const work = (count: number): Work[] =>
    Array.from({ length: count }, () => ({ n: n++, ms: random.integer(20, 180) }))
  const fed = (async () => {
    await trial.add(work(FEED.atFirst))
    while (!stop.signal.aborted) {
      await sleep(FEED.everyMs)
      await trial.add(work(FEED.jobs))
    }
  })()
  // Told by whoever stops it.
  fed.catch(() => {})
  return {
    stop: () => {
      stop.abort()
      return fed
    },
  }
}

/** How long it took until all processes worked again; at least the limit when they do not by then. */
async function recovered(trial: Trial, over: Return, limitMs: number): Promise<number> {
  for (;;) {
    const tookMs = recoveryMs(trial.runs(), over)
    const waitedMs = now() - over.at
    if (Number.isFinite(tookMs)) return tookMs
    if (waitedMs > limitMs) return waitedMs
    await sleep(50)
  }
}

/** The longest of each kind. */
function slowest(found: readonly { readonly name: string; readonly tookMs: number }[]): string {
  const byName = Map.groupBy(found, ({ name }) => name)
  return [...byName]
    .map(([name, all]) => `${(Math.max(...all.map(({ tookMs }) => tookMs)) / 1000).toFixed(1)} s (${name})`)
    .join(', ')
}
