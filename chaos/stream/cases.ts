import { setTimeout as sleep } from 'node:timers/promises'
import type { Scale } from '../case.ts'
import { Random } from '../random.ts'
import type { Outcome } from './outcome.ts'
import { Trial, type TrialOptions } from './trial.ts'

export interface StreamCase {
  readonly name: string
  readonly title: string
  /** Part of quick runs. */
  readonly quick: boolean
  readonly run: (options: Setting, scale: Scale) => Promise<Outcome>
}

type Setting = Omit<TrialOptions, 'placement' | 'workers'>
type Placement = TrialOptions['placement']

/** From one fault to the next, ms. Eight processes take some seconds to start, and none is to be hit before it runs. */
const GAP_MS: Readonly<Record<Placement, readonly [number, number]>> = {
  thread: [100, 800],
  process: [600, 2000],
}
const LAST_GAP_MS = 500
const WORKERS = 3
const MOST = 8

export const STREAM_CASES: readonly StreamCase[] = [
  {
    name: 'scale',
    title: 'from one thread to eight and back, under load',
    quick: true,
    run: (setting, scale) => scaled(setting, 'thread', scale === 'quick' ? 1 : 5),
  },
  {
    name: 'scale-processes',
    title: 'from one process to eight and back, under load',
    quick: false,
    run: (setting) => scaled(setting, 'process', 3),
  },
  {
    name: 'terminate',
    title: 'one of three threads is terminated, thirty times',
    quick: false,
    run: (setting) => hit(setting, 'thread', 30),
  },
  {
    name: 'kill',
    title: 'SIGKILL to one of three processes, thirty times',
    quick: false,
    run: (setting) => hit(setting, 'process', 30),
  },
  {
    name: 'mixed',
    title: 'from one thread to eight and back, while threads are terminated',
    quick: true,
    run: (setting, scale) => mixed(setting, 'thread', scale === 'quick' ? 1 : 5),
  },
  {
    name: 'mixed-processes',
    title: 'from one process to eight and back, while processes are killed',
    quick: true,
    run: (setting, scale) => mixed(setting, 'process', scale === 'quick' ? 1 : 5),
  },
]

function scaled(setting: Setting, placement: Placement, times: number): Promise<Outcome> {
  return tried({ ...setting, placement, workers: 1 }, async (trial) => {
    for (let time = 0; time < times; time++) await upAndDown(trial, setting)
  })
}

function hit(setting: Setting, placement: Placement, times: number): Promise<Outcome> {
  const random = new Random(setting.seed)
  return tried({ ...setting, placement, workers: WORKERS }, async (trial) => {
    for (let time = 0; time < times; time++) {
      await sleep(random.integer(...GAP_MS[placement]))
      setting.signal.throwIfAborted()
      await trial.hit(random.next())
    }
  })
}

/** Faults come whatever the group is doing, so also in the midst of moves. */
function mixed(setting: Setting, placement: Placement, times: number): Promise<Outcome> {
  const random = new Random(setting.seed)
  return tried({ ...setting, placement, workers: 1 }, async (trial) => {
    const over = new AbortController()
    const faults = async (): Promise<void> => {
      while (!over.signal.aborted) {
        await sleep(random.integer(...GAP_MS[placement]))
        await trial.hit(random.next())
      }
    }
    const scaling = async (): Promise<void> => {
      try {
        for (let time = 0; time < times; time++) await upAndDown(trial, setting)
      } finally {
        over.abort()
      }
    }
    await Promise.all([scaling(), faults()])
  })
}

async function upAndDown(trial: Trial, { signal }: Setting): Promise<void> {
  for (const workers of [MOST, 1]) {
    await sleep(LAST_GAP_MS)
    signal.throwIfAborted()
    await trial.scale(workers)
  }
}

async function tried(options: TrialOptions, work: (trial: Trial) => Promise<void>): Promise<Outcome> {
  const trial = await Trial.open(options)
  try {
    await work(trial)
    await sleep(LAST_GAP_MS)
  } catch (error) {
    await trial.close()
    throw error
  }
  return trial.end()
}
