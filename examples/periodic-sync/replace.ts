import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { chmod, open, rename, rm, symlink, utimes, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'

/** Two writes within one tick of the kernel's clock leave the same time; no tick is longer. */
const TICK_MS = 20

/**
 * Copies a file in one step: whoever reads the target sees the old content or the new, never a part.
 * @throws when the source was written to meanwhile; the target is then left as it was.
 */
export async function replaceFile(source: string, target: string, signal: AbortSignal): Promise<void> {
  const handle = await open(source, 'r')
  try {
    const before = await handle.stat()
    // A later write must have another time than this one, or the next run would not see it.
    if (Date.now() - before.mtimeMs < TICK_MS) await setTimeout(TICK_MS, undefined, { signal })
    await viaTemporary(target, async (temporary) => {
      await copy(handle, temporary, signal)
      await chmod(temporary, before.mode & 0o777)
      await utimes(temporary, before.atimeMs / 1000, before.mtimeMs / 1000)
      const after = await handle.stat()
      if (after.size !== before.size || after.mtimeMs !== before.mtimeMs) {
        throw new Error(`${source} was written to while it was copied; the next run takes it`)
      }
    })
  } finally {
    await handle.close()
  }
}

export async function replaceLink(to: string, target: string): Promise<void> {
  await viaTemporary(target, (temporary) => symlink(to, temporary))
}

async function copy(source: FileHandle, target: string, signal: AbortSignal): Promise<void> {
  const from = source.createReadStream({ autoClose: false, start: 0 })
  // Flushed before it takes the name: after a power failure the file is not empty.
  await pipeline(from, createWriteStream(target, { flags: 'wx', mode: 0o600, flush: true }), { signal })
}

async function viaTemporary(target: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = join(dirname(target), `.sync-${randomUUID()}`)
  try {
    await write(temporary)
    await rename(temporary, target)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}
