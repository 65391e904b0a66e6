/**
 * Measures Millhand against its peers:
 *
 *     npm run bench -- sqlite [--quick] [--json] [--case process]
 *     npm run bench -- report            writes docs/performance.md and its charts
 *
 * Ends with 1 when a job was lost or came twice, or anything else failed. A missed bar is told, not failed on.
 */
import { parseArguments, UsageError, type Arguments } from './arguments.ts'
import { measure } from './measurement.ts'
import { prepare } from './prepare.ts'
import { Progress } from './progress.ts'
import { jsonLine, type Result } from './result.ts'
import { onlyCase, runSuite } from './run-suite.ts'
import { serverFor } from './servers/start.ts'
import { loadSuite, SUITE_NAMES } from './suites/index.ts'
import { rowsOf, tableText } from './table.ts'

const REPORT = 'report'

async function main({ suite: name, quick, json, only }: Arguments, signal: AbortSignal): Promise<void> {
  if (name === REPORT && (json || only !== undefined))
    throw new UsageError('expected report without --json and --case')
  const progress = new Progress()
  await prepare((text) => progress.now(text, text))
  const scale = quick ? 'quick' : 'full'
  let server = ''
  const run = {
    scale,
    measure: (order: Parameters<typeof measure>[0]) => measure(order, server, signal),
    onStart: (order: { suite: string; case: string; contender: string }, round: number, rounds: number) => {
      const group = `${order.suite}: ${order.case}`
      progress.now(`${group}, ${order.contender}, round ${round} of ${rounds}`, group)
    },
  } as const
  if (name === REPORT) {
    const { writeReport } = await import('./report/index.ts')
    await writeReport(run)
    progress.clear()
    return
  }
  const suite = onlyCase(await loadSuite(name), only)
  const started = await serverFor(suite)
  server = started?.url ?? ''
  let results: Result[]
  try {
    results = await runSuite(suite, {
      ...run,
      onResult: (result) => {
        if (json) console.log(jsonLine(result))
      },
      // Standard output is for results alone.
      onMissing: (name, reason) => console.error(`${suite.name}: ${name} is left out: ${reason}`),
    })
  } finally {
    await started?.stop()
  }
  progress.clear()
  if (json) return
  console.log(tableText(rowsOf(results)))
  console.log(
    `\n${quick ? 'Quick runs are for a first look; bars are judged on full ones. ' : ''}Medians (min..max).`,
  )
}

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
try {
  await main(parseArguments(process.argv.slice(2), [...SUITE_NAMES, REPORT]), stop.signal)
} catch (error) {
  const text =
    error instanceof UsageError ? error.message : error instanceof Error ? error.stack : String(error)
  console.error(stop.signal.aborted ? '\ninterrupted' : `\n${text}`)
  process.exitCode = 1
}
