import { createHash } from 'node:crypto'
import type { Dirent } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { resolve } from 'node:path'

/** A regular file below the root. */
export interface Entry {
  /** As it is printed: it begins with the root as that was given. */
  readonly path: string
  /** Says which content of which file this is: another one as soon as the file is changed. */
  readonly id: string
}

export interface Tree {
  /** Sorted by the bytes of their paths. */
  readonly files: readonly Entry[]
  readonly symlinks: number
  /** Devices, sockets and pipes. */
  readonly others: number
  /** What could not be looked at. */
  readonly failures: readonly string[]
}

/** Finds all files, without following links. @throws the reason of `signal`, when that aborts. */
export async function walk(root: string, signal: AbortSignal): Promise<Tree> {
  const files: Entry[] = []
  const failures: string[] = []
  let [symlinks, others] = [0, 0]
  const directories = [root]
  const look = async (path: string, entry: Dirent): Promise<void> => {
    if (entry.isDirectory()) directories.push(path)
    else if (entry.isFile()) files.push({ path, id: await idOf(path) })
    else if (entry.isSymbolicLink()) symlinks++
    else others++
  }
  const note = (error: unknown): void => void failures.push((error as Error).message)
  for (let folder = directories.pop(); folder !== undefined; folder = directories.pop()) {
    signal.throwIfAborted()
    const base = folder.endsWith('/') ? folder : `${folder}/`
    try {
      for (const each of await readdir(folder, { withFileTypes: true })) {
        await look(base + each.name, each).catch(note)
      }
    } catch (error) {
      note(error)
    }
  }
  const byBytes = files.map((entry) => ({ entry, bytes: Buffer.from(entry.path) }))
  byBytes.sort((a, b) => a.bytes.compare(b.bytes))
  return { files: byBytes.map(({ entry }) => entry), symlinks, others, failures }
}

async function idOf(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await lstat(path, { bigint: true })
  return createHash('sha256')
    .update([resolve(path), dev, ino, size, mtimeNs, ctimeNs].join('\0'))
    .digest('hex')
}
