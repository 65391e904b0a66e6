import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'

/** The SHA-256 of a file, in hex. Holds one chunk of it at a time, however long the file is. */
export async function sha256(path: string, chunkBytes: number, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes, signal })) {
    hash.update(chunk as Buffer)
  }
  return hash.digest('hex')
}
