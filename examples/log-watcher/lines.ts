export interface Line {
  /** Where it begins, bytes from the beginning of the chunk. */
  readonly start: number
  readonly text: string
  /** It was longer than a line may be; only its beginning is here. */
  readonly isCut: boolean
}

export interface Taken {
  readonly lines: readonly Line[]
  /** How many bytes of the chunk are dealt with; the rest is a line that is not complete yet. */
  readonly bytes: number
  /** The chunk ends inside a line that was cut: what follows, up to its end, is to be skipped. */
  readonly isSkipping: boolean
}

const LF = 0x0a
const CR = 0x0d

/**
 * The complete lines of a chunk, without their `\n` or `\r\n`. Works on bytes, so a character that is split
 * between two reads stays in the part that is left for the next one.
 * @param isSkipping the chunk begins inside a line that was cut.
 */
export function takeLines(chunk: Buffer, maxLineBytes: number, isSkipping: boolean): Taken {
  const lines: Line[] = []
  let start = 0
  for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
    if (!isSkipping) lines.push(lineOf(chunk, start, chunk[end - 1] === CR ? end - 1 : end, maxLineBytes))
    isSkipping = false
    start = end + 1
  }
  if (isSkipping) return { lines, bytes: chunk.length, isSkipping }
  // One more than the limit, since the last byte may be a \r whose \n is still to come.
  if (chunk.length - start <= maxLineBytes + 1) return { lines, bytes: start, isSkipping }
  lines.push(lineOf(chunk, start, chunk.length, maxLineBytes))
  return { lines, bytes: chunk.length, isSkipping: true }
}

/** The line that a finished file ends with, when nobody wrote its `\n`. */
export function lastLine(chunk: Buffer, maxLineBytes: number): Line {
  return lineOf(chunk, 0, chunk.at(-1) === CR ? chunk.length - 1 : chunk.length, maxLineBytes)
}

function lineOf(chunk: Buffer, start: number, end: number, maxLineBytes: number): Line {
  if (end <= start) return { start, text: '', isCut: false }
  if (end - start <= maxLineBytes) return { start, text: chunk.toString('utf8', start, end), isCut: false }
  let cut = start + maxLineBytes
  // Not inside a character: its second to fourth byte begin with the bits 10.
  while (cut > start && (chunk[cut]! & 0xc0) === 0x80) cut--
  return { start, text: chunk.toString('utf8', start, cut), isCut: true }
}
