import { setTimeout as sleep } from 'node:timers/promises'
import type { Scale } from '../case.ts'
import { Random } from '../random.ts'
import type { Outcome } from './outcome.ts'
import { Trial, type TrialOptions } from './trial.ts'

export interface MqttCase {
  readonly name: string
  readonly title: string
  /** Part of quick runs. */
  readonly quick: boolean
  readonly run: (options: Omit<TrialOptions, 'workers'>, scale: Scale) => Promise<Outcome>
}

type FaultName = 'kill' | 'restart' | 'crash' | 'network'

const WORKERS = 3
/** From one fault to the next, ms. */
const GAP_MS = [400, 1200] as const
/** Silence is noticed by the keep-alive of 2 s. */
const LAST_GAP_MS = 1000

const FAULTS: Readonly<Record<FaultName, (trial: Trial, aim: number) => Promise<void>>> = {
  kill: (trial, aim) => trial.kill(aim),
  restart: (trial) => trial.restart(),
  crash: (trial) => trial.crash(),
  network: (trial, aim) => trial.cut(aim),
}

export const MQTT_CASES: readonly MqttCase[] = [
  {
    name: 'mixed',
    title: 'three workers under load: SIGKILL of one, restart and SIGKILL of the broker, cut connections',
    quick: true,
    run: (options, scale) =>
      faulty(options, ['kill', 'restart', 'crash', 'network'], scale === 'quick' ? 2 : 5),
  },
  {
    name: 'scale',
    title: 'from one worker to four and back, under load',
    quick: true,
    run: async (options, scale) => {
      const trial = await Trial.open({ ...options, workers: 1 })
      return ended(trial, async () => {
        for (let time = 0; time < (scale === 'quick' ? 1 : 3); time++) {
          for (const workers of [4, 1]) {
            await sleep(GAP_MS[1])
            options.signal.throwIfAborted()
            await trial.scaleTo(workers)
          }
        }
      })
    },
  },
  {
    name: 'kill',
    title: 'SIGKILL of a worker, thirty times',
    quick: false,
    run: (options) => faulty(options, ['kill'], 30),
  },
  {
    name: 'restart',
    title: 'the broker ends orderly and starts again, ten times',
    quick: false,
    run: (options) => faulty(options, ['restart'], 10),
  },
  {
    name: 'crash',
    title: 'SIGKILL of the broker, ten times',
    quick: false,
    run: (options) => faulty(options, ['crash'], 10),
  },
  {
    name: 'network',
    title:
      'all connections are reset, lose what the broker says, are half closed or fall silent, twenty times',
    quick: false,
    run: (options) => faulty(options, ['network'], 20),
  },
]

async function faulty(
  options: Omit<TrialOptions, 'workers'>,
  names: readonly FaultName[],
  times: number,
): Promise<Outcome> {
  const random = new Random(options.seed)
  const faults = Array.from({ length: times }, () => names)
    .flat()
    .map((name) => ({ name, rank: random.next(), aim: random.next(), gapMs: random.integer(...GAP_MS) }))
    .toSorted((a, b) => a.rank - b.rank)
  const trial = await Trial.open({ ...options, workers: WORKERS })
  return ended(trial, async () => {
    for (const { name, aim, gapMs } of faults) {
      await sleep(gapMs)
      options.signal.throwIfAborted()
      await FAULTS[name](trial, aim)
    }
  })
}

async function ended(trial: Trial, work: () => Promise<void>): Promise<Outcome> {
  try {
    await work()
    await sleep(LAST_GAP_MS)
  } catch (error) {
    await trial.close()
    throw error
  }
  return trial.end()
}
