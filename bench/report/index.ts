import { mkdirSync, writeFileSync } from 'node:fs'
import { MILLHAND, type ProfileSlice } from '../case.ts'
import { ROOT } from '../places.ts'
import type { Result } from '../result.ts'
import { runSuite, type SuiteRun } from '../run-suite.ts'
import { loadSuite } from '../suites/index.ts'
import { barCharts, costChart, lineCharts, shareChart } from './charts.ts'
import { circumstances } from './circumstances.ts'
import type { Figures } from './figures.ts'
import { page } from './page.ts'

const DOCS = new URL('docs/', ROOT)
const CHARTS = new URL('performance/', DOCS)

/** Measures all that the page shows, then writes it and its charts: docs/performance.md, docs/performance/*.svg. */
export async function writeReport(run: Omit<SuiteRun, 'onResult'>): Promise<void> {
  const figures = await measureAll(run)
  mkdirSync(CHARTS, { recursive: true })
  const charts: Record<string, string> = {
    features: await costChart(figures.features),
    growth: await lineCharts(figures.growth),
  }
  for (const suite of new Set(figures.suites.map((result) => result.suite))) {
    charts[suite] = await barCharts(figures.suites.filter((result) => result.suite === suite))
    charts[`profile-${suite}`] = await shareChart(figures.profiles[suite] ?? [])
  }
  for (const [name, svg] of Object.entries(charts)) writeFileSync(new URL(`${name}.svg`, CHARTS), `${svg}\n`)
  writeFileSync(new URL('performance.md', DOCS), page(figures, circumstances(), run.scale))
}

async function measureAll(run: Omit<SuiteRun, 'onResult'>): Promise<Figures> {
  const measured = async (name: string): Promise<Result[]> =>
    runSuite(await loadSuite(name), { ...run, onResult: () => {} })
  const suites: Result[] = []
  const profiles: Record<string, readonly ProfileSlice[]> = {}
  for (const suite of ['sqlite', 'memory']) {
    suites.push(...(await measured(suite)))
    const order = { suite, case: 'process', contender: MILLHAND, scale: run.scale, profile: true }
    run.onStart(order, 1, 1)
    profiles[suite] = (await run.measure(order)).profile ?? []
  }
  return { suites, profiles, features: await measured('features'), growth: await measured('growth') }
}
