import { UsageError, type Arguments } from '../arguments.ts'
import { FAULT_NAMES } from './faults.ts'
import { faultTable, isWell, totalsOf, totalsText } from './report.ts'
import { runAll } from './run-all.ts'

export const SERVER_SUITE = 'server'

const RUNS = 200
/** A quick look is over within 45 s, with npm and Node started and the longest run not foreseen. */
const QUICK_MS = 42_000

/** Servers that work are hit and end, again and again. @returns true when none of them did anything wrong. */
export async function serverSuite(
  { quick, json, only, seed }: Arguments,
  { signal, say }: { readonly signal: AbortSignal; readonly say: (text: string) => void },
): Promise<boolean> {
  const fault = FAULT_NAMES.find((name) => name === only)
  if (only !== undefined && fault === undefined)
    throw new UsageError(`expected a case out of ${FAULT_NAMES.join(', ')}, got: ${only}`)
  const outcomes = await runAll({
    ...{ runs: RUNS, withinMs: quick ? QUICK_MS : Infinity, seed, only: fault, signal, say },
  })
  const totals = totalsOf(outcomes)
  say(`\n${faultTable(outcomes)}\n`)
  say(`${isWell(totals) ? 'ok  ' : 'FAIL'} ${totals.runs} runs: ${totalsText(totals)}`)
  if (json) console.log(JSON.stringify(totals))
  return isWell(totals)
}
