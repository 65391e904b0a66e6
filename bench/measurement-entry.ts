/** The process that runs one contender once; see measurement.ts. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { contenderOf, type Case, type Measurement, type ProfileSlice, type Scale } from './case.ts'
import { Deliveries } from './deliveries.ts'
import { collectGarbage } from './heap.ts'
import type { Answer, Assignment } from './measurement.ts'
import { profiled } from './profile.ts'
import { loadSuite } from './suites/index.ts'

async function work({ suite, case: name, contender, scale, profile, folder }: Assignment): Promise<Answer> {
  try {
    const { cases } = await loadSuite(suite)
    const one = cases.find((each) => each.name === name)!
    if (one.jobs['warm-up'] > 0) await once(one, contender, 'warm-up', join(folder, 'warm-up'), false)
    return { measurement: await once(one, contender, scale, join(folder, 'measured'), profile ?? false) }
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

async function once(
  one: Case,
  contender: string,
  scale: Scale,
  folder: string,
  profile: boolean,
): Promise<Measurement> {
  mkdirSync(folder)
  const deliveries = new Deliveries()
  const notes: Record<string, number> = {}
  let slices: readonly ProfileSlice[] | undefined
  const value = await contenderOf(
    one,
    contender,
  )({
    jobs: one.jobs[scale],
    scale,
    folder,
    deliveries,
    timed: async (work) => {
      collectGarbage()
      const started = performance.now()
      if (profile) slices = await profiled(work)
      else await work()
      return (performance.now() - started) / 1000
    },
    note: (name, figure) => (notes[name] = figure),
  })
  deliveries.verify()
  return slices === undefined ? { value, notes } : { value, notes, profile: slices }
}

// Whoever started this is gone: nobody waits for a figure.
process.once('disconnect', () => process.exit(1))
const answer = await work(JSON.parse(process.argv[2]!) as Assignment)
process.send!(answer, () => process.exit('error' in answer ? 1 : 0))
