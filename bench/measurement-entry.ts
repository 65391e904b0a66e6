/** The process that runs one contender once; see measurement.ts. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { contenderOf, type Case, type Measurement, type ProfileSlice, type Scale } from './case.ts'
import { Deliveries } from './deliveries.ts'
import { collectGarbage } from './heap.ts'
import type { Answer, Assignment } from './measurement.ts'
import { profiled } from './profile.ts'
import { emptied } from './servers/index.ts'
import { loadSuite } from './suites/index.ts'

async function work(assignment: Assignment): Promise<Answer> {
  try {
    const { suite, case: name, contender, scale, profile = false, folder } = assignment
    const { cases, server: kind } = await loadSuite(suite)
    const one = cases.find((each) => each.name === name)!
    const run = async (as: Scale, profiles: boolean): Promise<Measurement> => {
      const server = kind === undefined ? '' : await emptied(kind, assignment.server, as)
      return once(one, contender, { scale: as, folder: join(folder, as), server, profiles })
    }
    // A quick run has no time to prepare a server twice.
    const warms = one.jobs['warm-up'] > 0 && (kind === undefined || scale === 'full')
    if (warms) await run('warm-up', false)
    return { measurement: await run(scale, profile) }
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

interface Setting {
  readonly scale: Scale
  readonly folder: string
  readonly server: string
  readonly profiles: boolean
}

async function once(
  one: Case,
  contender: string,
  { scale, folder, server, profiles }: Setting,
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
    server,
    deliveries,
    timed: async (work) => {
      collectGarbage()
      const started = performance.now()
      if (profiles) slices = await profiled(work)
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
