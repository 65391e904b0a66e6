import { open, stat, type FileHandle } from 'node:fs/promises'

/** Bytes of a file, from `start` to before `end`. */
export interface Range {
  readonly path: string
  readonly start: number
  readonly end: number
}

const NEWLINE = 0x0a

/**
 * Cuts a file into ranges of whole lines, each of `size` bytes and what is left of its last line. No character is cut
 * either: in UTF-8 the byte of a newline is never a part of another one.
 */
export async function lineRanges(path: string, size: number): Promise<Range[]> {
  const stats = await stat(path)
  if (!stats.isFile()) throw new Error(`expected a file, got: ${path}`)
  const file = await open(path)
  try {
    const ranges: Range[] = []
    for (let start = 0; start < stats.size; start = ranges.at(-1)!.end) {
      ranges.push({ path, start, end: await endOfLine(file, start + size - 1, stats.size) })
    }
    return ranges
  } finally {
    await file.close()
  }
}

/** Where the line ends, newline included, that the byte at `position` is a part of. */
async function endOfLine(file: FileHandle, position: number, size: number): Promise<number> {
  const buffer = Buffer.alloc(64 * 1024)
  while (position < size) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position)
    const newline = buffer.subarray(0, bytesRead).indexOf(NEWLINE)
    if (newline >= 0) return position + newline + 1
    // It has become shorter meanwhile.
    if (bytesRead === 0) break
    position += bytesRead
  }
  return size
}
