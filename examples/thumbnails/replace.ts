import { readdir, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

const UNFINISHED = /^\.thumbnail-.*\.part$/

/** Writes a file in one step: whoever reads it sees the old content or the new, never a part. */
export async function replaceFile(path: string, content: Uint8Array, mtime: Date): Promise<void> {
  const part = join(dirname(path), `.thumbnail-${basename(path)}-${process.pid}.part`)
  // Flushed before it takes the name: after a power failure the file is not empty.
  await writeFile(part, content, { flush: true })
  await utimes(part, mtime, mtime)
  await rename(part, path)
}

/** Removes what workers were writing when they were ended, in this run or in one that was killed. */
export async function removeUnfinished(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (UNFINISHED.test(name)) await rm(join(folder, name), { force: true })
  }
}
