import { printable } from './printable.ts'

export interface Column {
  readonly title: string
  /** For numbers. Default: left. */
  readonly align?: 'right'
}

/**
 * Aligned columns for people. The first rows, with the header, decide the widths; later pages keep them and
 * widen them where they must.
 */
export class Table {
  readonly #columns: readonly Column[]
  readonly #widths: number[]
  #hasHeader = false

  constructor(columns: readonly Column[]) {
    this.#columns = columns
    this.#widths = columns.map(({ title }) => title.length)
  }

  /** The rows as lines, each with its newline; the first call puts the header above them. */
  render(rows: readonly (readonly string[])[]): string {
    const safe = rows.map((row) => row.map(printable))
    for (const row of safe) {
      for (const [index, cell] of row.entries()) {
        this.#widths[index] = Math.max(this.#widths[index] ?? 0, widthOf(cell))
      }
    }
    const header = this.#hasHeader ? [] : [this.#columns.map(({ title }) => title)]
    this.#hasHeader = true
    return [...header, ...safe].map((row) => `${this.#line(row)}\n`).join('')
  }

  #line(row: readonly string[]): string {
    const cells = row.map((cell, index) => {
      const gap = ' '.repeat(Math.max(0, (this.#widths[index] ?? 0) - widthOf(cell)))
      return this.#columns[index]?.align === 'right' ? gap + cell : cell + gap
    })
    return cells.join('  ').trimEnd()
  }
}

const SEGMENTS = new Intl.Segmenter()
const WIDE =
  /\p{Emoji_Presentation}|\p{sc=Han}|\p{sc=Hiragana}|\p{sc=Katakana}|\p{sc=Hangul}|[\uFF01-\uFF60]/u

/** How many cells of a terminal a text takes. */
function widthOf(text: string): number {
  // oxlint-disable-next-line no-control-regex -- plain ASCII is nearly everything, and needs no segmenter
  if (/^[\u0000-\u007F]*$/.test(text)) return text.length
  let width = 0
  for (const { segment } of SEGMENTS.segment(text)) width += WIDE.test(segment) ? 2 : 1
  return width
}
