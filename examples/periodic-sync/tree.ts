import { lstat, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'

export type Entry =
  | { readonly kind: 'directory' }
  | { readonly kind: 'link'; readonly to: string }
  | { readonly kind: 'file'; readonly size: number; readonly mtimeMs: number; readonly mode: number }

export interface Tree {
  /** By path below the root; a folder comes before what is in it. */
  readonly entries: ReadonlyMap<string, Entry>
  /** Folders and files that could not be looked at: nothing is known of what is there. */
  readonly unknown: ReadonlyMap<string, Error>
}

/** Files that a sync was writing when it died. */
export const TEMPORARY = /^\.sync-[\da-f-]{36}$/

/** Everything below a folder. Links are not followed; devices, sockets and pipes are left out. */
export async function scan(root: string, signal: AbortSignal): Promise<Tree> {
  const entries = new Map<string, Entry>()
  const unknown = new Map<string, Error>()
  const look = async (folder: string): Promise<void> => {
    for (const { name } of await readdir(join(root, folder), { withFileTypes: true })) {
      signal.throwIfAborted()
      const path = join(folder, name)
      try {
        const entry = await entryOf(join(root, path))
        if (entry !== undefined) entries.set(path, entry)
        if (entry?.kind === 'directory') await look(path)
      } catch (error) {
        signal.throwIfAborted()
        unknown.set(path, error as Error)
      }
    }
  }
  await look('')
  return { entries, unknown }
}

async function entryOf(path: string): Promise<Entry | undefined> {
  const stats = await lstat(path)
  if (stats.isDirectory()) return { kind: 'directory' }
  if (stats.isSymbolicLink()) return { kind: 'link', to: await readlink(path) }
  if (!stats.isFile()) return undefined
  const { size, mtimeMs, mode } = stats
  return { kind: 'file', size, mtimeMs, mode: mode & 0o777 }
}

export function isSame(a: Entry, b: Entry | undefined): boolean {
  if (a.kind === 'directory') return b?.kind === 'directory'
  if (a.kind === 'link') return b?.kind === 'link' && a.to === b.to
  // Times are set in fractions of a second, which loses the last digits.
  return (
    b?.kind === 'file' && a.size === b.size && a.mode === b.mode && Math.abs(a.mtimeMs - b.mtimeMs) < 0.01
  )
}
