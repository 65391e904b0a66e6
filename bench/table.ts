import { barsOf, barText, isMet } from './bars.ts'
import type { Unit } from './case.ts'
import { rounded, type Result } from './result.ts'
import type { Figure } from './statistics.ts'

const HEAD = ['case', 'unit', 'Millhand', 'against', 'ratio', 'bar', '']

/** The rows of a table for people: medians with their spread, and whether the bar is met. */
export function rowsOf(results: readonly Result[]): string[][] {
  return [HEAD, ...results.map(rowOf)]
}

function rowOf(result: Result): string[] {
  const { case: name, unit, label, millhand, peers, ratio } = result
  const bars = barsOf(result)
  return [
    name,
    unit,
    label === 'Millhand' ? figureText(millhand, unit) : `${label}: ${figureText(millhand, unit)}`,
    Object.entries(peers)
      .map(([peer, figure]) => `${peer}: ${figureText(figure, unit)}`)
      .join(', '),
    ratioText(ratio),
    bars.map((bar) => barText(bar, result)).join(' and '),
    bars.length === 0 ? '' : bars.every((bar) => isMet(bar, result)) ? 'met' : 'MISSED',
  ]
}

/** Columns side by side. */
export function tableText(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** `123,456 (120,000..130,000)` */
export function figureText({ median, min, max }: Figure, unit: Unit): string {
  const text = (value: number): string => rounded(value, unit).toLocaleString('en')
  return min === max ? text(median) : `${text(median)} (${text(min)}..${text(max)})`
}

export function ratioText(ratio: number): string {
  return ratio.toFixed(Math.abs(ratio) < 10 ? 2 : 1)
}
