/** The module of the pool: each of its workers loads this file. */
import { createReadStream } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'

/** What was found in the next so many bytes. */
export interface Part {
  readonly bytes: number
  readonly counts: ReadonlyMap<string, number>
}

/** That of ASCII, as for `tr -s '[:space:]'`. */
const WHITE_SPACE = /[\t-\r ]+/

/** Counts what stands between white space in a range of a file, `pieceBytes` at a time. */
export async function* countWords(
  path: string,
  start: number,
  end: number,
  pieceBytes: number = 1024 * 1024,
): AsyncGenerator<Part> {
  // A character, or a word, can begin in one piece and end in the next.
  const decoder = new StringDecoder('utf8')
  let rest = ''
  for await (const piece of createReadStream(path, { start, end: end - 1, highWaterMark: pieceBytes })) {
    const words = (rest + decoder.write(piece as Buffer)).split(WHITE_SPACE)
    rest = words.pop()!
    yield { bytes: (piece as Buffer).length, counts: countOf(words) }
  }
  yield { bytes: 0, counts: countOf([rest + decoder.end()]) }
}

function countOf(words: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const word of words) if (word !== '') counts.set(word, (counts.get(word) ?? 0) + 1)
  return counts
}
