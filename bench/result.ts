import { MILLHAND, type Case, type Measurement, type Unit } from './case.ts'
import { figureOf, median, type Figure } from './statistics.ts'

/** What came out of a case. */
export interface Result {
  readonly suite: string
  readonly case: string
  readonly about: string
  readonly unit: Unit
  /** What Millhand's figure is called. */
  readonly label: string
  readonly millhand: Figure
  readonly peers: Readonly<Record<string, Figure>>
  /** Millhand's median over that of the best peer: for what takes time or room too, so that lower is better there. */
  readonly ratio: number
  readonly rounds: number
  /** Medians of what Millhand's contender noted besides. */
  readonly notes: Readonly<Record<string, number>>
}

export function resultOf(
  suite: string,
  { name, about, unit, better, label = 'Millhand', yardstick }: Case,
  taken: ReadonlyMap<string, readonly Measurement[]>,
): Result {
  const peers: Record<string, Figure> = {}
  for (const [contender, measured] of taken) {
    if (contender !== MILLHAND) peers[contender] = figureOf(measured.map(({ value }) => value))
  }
  const own = taken.get(MILLHAND) ?? []
  if (yardstick !== undefined) peers[yardstick] = figureOf(own.map(({ notes }) => notes[yardstick]!))
  const millhand = figureOf(own.map(({ value }) => value))
  const medians = Object.values(peers).map(({ median }) => median)
  const best = better === 'higher' ? Math.max(...medians) : Math.min(...medians)
  return {
    suite,
    case: name,
    about,
    unit,
    label,
    millhand,
    peers,
    ratio: millhand.median / best,
    rounds: own.length,
    notes: notesOf(own, yardstick),
  }
}

function notesOf(own: readonly Measurement[], except: string | undefined): Record<string, number> {
  const names = Object.keys(own[0]?.notes ?? {}).filter((name) => name !== except)
  return Object.fromEntries(names.map((name) => [name, median(own.map(({ notes }) => notes[name]!))]))
}

/** The line of `--json`: medians. */
export function jsonLine({ suite, case: name, unit, millhand, peers, ratio, rounds }: Result): string {
  const medians = Object.entries(peers).map(([peer, { median }]) => [peer, rounded(median, unit)])
  return JSON.stringify({
    suite,
    case: name,
    unit,
    millhand: rounded(millhand.median, unit),
    peers: Object.fromEntries(medians) as Record<string, number>,
    ratio: Number(ratio.toFixed(4)),
    rounds,
  })
}

/** No more digits than mean something. */
export function rounded(value: number, unit: Unit): number {
  return Number(value.toFixed(DIGITS[unit] ?? 2))
}

const DIGITS: Readonly<Partial<Record<Unit, number>>> = {
  'jobs/s': 0,
  'messages/s': 0,
  'messages/CPU-s': 0,
  bytes: 0,
  ns: 0,
  ms: 3,
}
