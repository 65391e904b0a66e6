import { open, readdir, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { identify, type Identity } from './identity.ts'

/** A file of a log, opened. */
export interface Found {
  readonly handle: FileHandle
  readonly identity: Identity
  /** It is the one that is written to now, as far as its name says. */
  readonly isPath: boolean
}

/** What rotation appends to a name: `.1`, `-20260131`, `.2026-01-31_03`. Compressed files are not read. */
const ROTATED = /^[.-]\d[\d._T-]*$/

/**
 * All files of a log, oldest first: the one at the path, those it was rotated to, and those that are open already
 * though they may have no name any more.
 */
export async function findFamily(path: string, open: readonly FileHandle[]): Promise<Found[]> {
  const found: Found[] = []
  for (const handle of open) found.push({ handle, identity: await identify(handle), isPath: false })
  await addTo(found, path, true)
  for (const name of await siblings(path)) await addTo(found, join(dirname(path), name), false)
  const age = ({ identity, isPath }: Found): bigint => (isPath ? 2n ** 63n : identity.mtime)
  return found.sort((a, b) => (age(a) < age(b) ? -1 : 1))
}

export async function openIfThere(path: string): Promise<FileHandle | undefined> {
  return await open(path, 'r').catch(undefinedIfMissing)
}

export function undefinedIfMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}

async function siblings(path: string): Promise<string[]> {
  const name = basename(path)
  const names = (await readdir(dirname(path)).catch(undefinedIfMissing)) ?? []
  return names.filter((each) => each.startsWith(name) && ROTATED.test(each.slice(name.length)))
}

async function addTo(found: Found[], file: string, isPath: boolean): Promise<void> {
  const handle = await openIfThere(file)
  if (handle === undefined) return
  const identity = await identify(handle)
  const index = found.findIndex((each) => each.identity.key === identity.key)
  if (index < 0) {
    found.push({ handle, identity, isPath })
    return
  }
  await handle.close()
  const { isPath: wasPath, ...same } = found[index]!
  found[index] = { ...same, isPath: wasPath || isPath }
}
