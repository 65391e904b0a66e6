import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'

/** Everything there is to say about a text; undefined for one without a word. Pure, and all of it CPU work. */
export function describe(text: string) {
  const words = text.match(/\S+/g)
  if (words === null) return undefined
  const bytes = Buffer.from(text)
  return {
    sha256: createHash('sha256').update(bytes).digest('hex'),
    bytes: bytes.length,
    words: words.length,
    distinctWords: new Set(words.map((word) => word.toLowerCase())).size,
    gzipBytes: gzipSync(bytes, { level: 9 }).length,
  }
}
