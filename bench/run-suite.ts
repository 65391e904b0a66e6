import { UsageError } from './arguments.ts'
import { MILLHAND, type Case, type Measurement, type Scale, type Suite } from './case.ts'
import type { Order } from './measurement.ts'
import { resultOf, type Result } from './result.ts'
import { inRounds } from './rounds.ts'

const ROUNDS = { full: 5, quick: 3 }
/** A quick suite, its preparation not included, is done by then: the last rounds of its cases are left out for it. */
const QUICK_MS = 38_000

export interface SuiteRun {
  readonly scale: Order['scale']
  readonly measure: (order: Order) => Promise<Measurement>
  /** Before each measurement: what, and which of how many rounds at the most. */
  readonly onStart: (order: Order, round: number, rounds: number) => void
  readonly onResult: (result: Result) => void
  /** A case cannot be measured here. */
  readonly onMissing?: (name: string, reason: string) => void
}

/** Measures the cases of a suite one after the other. */
export async function runSuite({ name, cases: all }: Suite, run: SuiteRun): Promise<Result[]> {
  const { scale } = run
  const wanted = casesOf(all, scale)
  for (const { name, missing } of wanted) if (missing !== undefined) run.onMissing?.(name, missing)
  const cases = wanted.filter(({ missing }) => missing === undefined)
  const now = (): number => performance.now()
  const end = scale === 'quick' ? now() + QUICK_MS : Infinity
  const results: Result[] = []
  for (const [index, one] of cases.entries()) {
    // What earlier cases did not use is shared by those to come.
    const until = now() + (end - now()) / (cases.length - index)
    const rounds = scale === 'full' ? (one.rounds ?? ROUNDS.full) : ROUNDS.quick
    const taken = await inRounds({
      contenders: [MILLHAND, ...peersOf(one, scale)],
      rounds,
      until,
      now,
      measure: (contender, round) => {
        const order = { suite: name, case: one.name, contender, scale }
        run.onStart(order, round + 1, rounds)
        return run.measure(order)
      },
    })
    const result = resultOf(name, one, taken)
    run.onResult(result)
    results.push(result)
  }
  return results
}

/** A case that is asked for by its name is measured in any case. */
export function casesOf(cases: readonly Case[], scale: Scale): readonly Case[] {
  if (scale === 'full' || cases.length === 1) return cases
  return cases.filter(({ quickly }) => quickly !== 'not at all')
}

export function peersOf({ peers, quickly }: Case, scale: Scale): readonly string[] {
  return scale === 'full' || quickly === undefined || quickly === 'not at all' ? Object.keys(peers) : quickly
}

/** The suite with this case only. @throws UsageError naming the cases when it has none of this name. */
export function onlyCase(suite: Suite, name: string | undefined): Suite {
  if (name === undefined) return suite
  const cases = suite.cases.filter((each: Case) => each.name === name)
  if (cases.length > 0) return { ...suite, cases }
  const names = suite.cases.map((each) => each.name).join(', ')
  throw new UsageError(`expected a case of ${suite.name} out of ${names}, got: ${name}`)
}
