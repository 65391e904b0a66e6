import { until } from 'millhand/testing'
import type { ChaosCase } from '../case.ts'
import { now } from '../clock.ts'
import { wasCutOff } from '../referee.ts'
import { Trial } from '../trial.ts'
import { evenWork } from '../work.ts'

const SIZES = {
  full: { jobs: 600, leaseMs: 5000 },
  quick: { jobs: 200, leaseMs: 1500 },
}
const CONCURRENCY = 10
/** Long enough to be in the midst of it when the process goes on. */
const WORK_MS = 400
/** By then a process that goes on must have noticed that its leases are over. */
const NOTICE_MS = 100

/**
 * A process is stopped until others have its jobs, and goes on: it must have noticed before it does more than a
 * moment's work, and what it settles late must be refused and told. By then some of its jobs are done, some run
 * elsewhere, and some wait again.
 */
export const freeze: ChaosCase = {
  name: 'freeze',
  title: 'SIGSTOP to a worker process until its leases are over, then SIGCONT',
  quick: true,
  async run(context) {
    const { jobs, leaseMs } = SIZES[context.scale]
    const trial = await Trial.open(context, { processes: 3, concurrency: CONCURRENCY, leaseMs })
    await trial.add(evenWork(jobs, WORK_MS))
    await trial.supervisor.start()
    const victim = await until(() => mostBusy(trial), { timeout: '30s', what: 'a process to be busy' })
    const { child } = trial.supervisor.ready.find(({ life }) => life === victim)!

    const at = now()
    child.kill('SIGSTOP')
    trial.interruptions.push({ life: victim, at })
    const frozen = trial.runs().filter((run) => wasCutOff(run, { life: victim, at }))
    const ranElsewhere = (): boolean => {
      const again = trial.runs().filter(({ life, startedAt }) => life !== victim && startedAt > at)
      const jobs = new Set(again.map(({ job }) => job))
      return frozen.filter(({ job }) => jobs.has(job)).length >= frozen.length / 2
    }
    await until(ranElsewhere, {
      timeout: '90s',
      every: 20,
      what: 'half of the jobs of the frozen process to run elsewhere',
    })
    const wentOnAt = now()
    child.kill('SIGCONT')
    await trial.workedOff()

    const result = await trial.judge()
    const late = trial
      .runs()
      .filter((run) => run.life === victim && run.startedAt < at && run.endedAt! > wentOnAt)
    const unaware = late.filter(
      (run) => run.endedAt! > wentOnAt + NOTICE_MS && !(run.abortedAt! <= run.endedAt!),
    )
    const untold = late.filter((run) => run.stale !== true)
    const accepted = late.filter((run) => run.settledAt !== undefined)
    const violations = [
      ...(late.length === 0 ? ['expected handlers of the frozen process to end late, got none'] : []),
      ...(unaware.length > 0 ? [`${unaware.length} handlers went on without an aborted signal`] : []),
      ...(untold.length > 0 ? [`${untold.length} late settles were not reported as stale`] : []),
      ...(accepted.length > 0 ? [`${accepted.length} late settles were accepted`] : []),
    ]
    const notes = [`${late.length} handlers of the frozen process ended late; all were refused and told`]
    return {
      ...result,
      notes: violations.length === 0 ? notes : [],
      violations: [...result.violations, ...violations],
    }
  },
}

/**
 * A process that runs as much as it may, with most of it still to be done. With less it may be in the midst of
 * beginning what it claimed, and goes on with that before it can notice anything.
 */
function mostBusy(trial: Trial): number | undefined {
  const recent = trial
    .runs()
    .filter(({ startedAt, endedAt }) => endedAt === undefined && startedAt > now() - WORK_MS / 4)
  const byLife = Map.groupBy(recent, ({ life }) => life)
  return [...byLife.keys()].find((life) => byLife.get(life)!.length === CONCURRENCY)
}
