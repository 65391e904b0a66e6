import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { faultOf, SHUTDOWN_MS, type Strike } from './faults.ts'
import { Load } from './load.ts'
import { endMarked, leftAfter } from './marked.ts'
import { deadlineMs, judgeRun, orphanDeadlineMs, type Outcome } from './outcome.ts'
import type { Plan } from './plan.ts'
import type { ServerSettings } from './settings.ts'
import { Target, type End } from './target.ts'

/** A server that has not ended so long after its deadline will not. */
const GIVE_UP_MS = 10_000

/**
 * One run: a server that works on a queue is hit and ends; what it left of the queue is worked off.
 * @param folder for the store, the ledgers and the output of the server.
 */
export async function runOnce(plan: Plan, folder: string, signal: AbortSignal): Promise<Outcome> {
  const ledgers = join(folder, 'ledgers')
  mkdirSync(ledgers, { recursive: true })
  const url = `sqlite:${folder}/jobs.db`
  const fault = faultOf(plan.fault)
  const settings: ServerSettings = {
    ...{ url, ledgers, shutdownMs: SHUTDOWN_MS, exitOnGiveUp: false },
    ...{ threads: plan.threads, processes: plan.processes, grouped: plan.grouped },
    ...fault.settings?.(plan),
  }
  const marker = randomUUID()
  const abandon = (): void => endMarked(marker)
  signal.addEventListener('abort', abandon)
  const load = await Load.open(url, ledgers, plan.seed)
  try {
    await load.add(plan.jobs)
    const target = new Target(settings, folder, marker)
    load.keepAdding()
    let strike: Strike | undefined
    let failure: string | undefined
    try {
      strike = await fault.strike(target, plan)
    } catch (thrown) {
      failure = (thrown as Error).message
    }
    const end = await endOf(target, strike === undefined ? 0 : deadlineMs(fault) + GIVE_UP_MS)
    const left = end === undefined ? [] : await leftAfter(marker, orphanDeadlineMs(fault))
    endMarked(marker)
    await leftAfter(marker, GIVE_UP_MS)
    const lost = await load.lost(signal)
    return judgeRun(plan, fault, { strike, failure, end, orphans: left, lost })
  } finally {
    signal.removeEventListener('abort', abandon)
    endMarked(marker)
    await load.close()
  }
}

async function endOf(target: Target, withinMs: number): Promise<End | undefined> {
  const over = new AbortController()
  const late = sleep(withinMs, undefined, { signal: over.signal }).catch(() => undefined)
  try {
    return await Promise.race([target.ended, late])
  } finally {
    over.abort()
  }
}
