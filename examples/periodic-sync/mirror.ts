import { mkdir, rm } from 'node:fs/promises'
import { basename, join, sep } from 'node:path'
import { replaceFile, replaceLink } from './replace.ts'
import { isSame, scan, TEMPORARY, type Entry, type Tree } from './tree.ts'

export interface MirrorOptions {
  readonly source: string
  readonly target: string
  /** Whether an empty source may empty the target. */
  readonly allowEmpty: boolean
  readonly signal: AbortSignal
}

export interface MirrorReport {
  /** New or changed files, folders and links. */
  readonly copied: number
  readonly deleted: number
  readonly unchanged: number
  /** What could not be read or written, with the reason. The next run tries again. */
  readonly failures: readonly string[]
}

/**
 * Makes the target what the source is: what is new or was changed is copied, what is gone is deleted.
 * @throws when the source cannot be read at all, or is empty; nothing is deleted then.
 */
export async function mirror({ source, target, allowEmpty, signal }: MirrorOptions): Promise<MirrorReport> {
  const from = await scan(source, signal)
  await mkdir(target, { recursive: true })
  const to = await scan(target, signal)
  if (from.entries.size === 0 && to.entries.size > 0 && !allowEmpty) {
    throw new Error(
      `${source} is empty and ${target} is not; was it not mounted? --allow-empty deletes all the same`,
    )
  }
  const failures = [...from.unknown, ...to.unknown].map(([path, error]) => `${path}: ${error.message}`)
  const attempt = async (path: string, act: () => Promise<void>): Promise<boolean> => {
    signal.throwIfAborted()
    try {
      await act()
      return true
    } catch (error) {
      signal.throwIfAborted()
      failures.push(`${path}: ${(error as Error).message}`)
      return false
    }
  }

  let [copied, deleted, unchanged] = [0, 0, 0]
  // First, since a folder may have become a file. From the inside outward, so that each is counted.
  for (const path of [...to.entries.keys()].toReversed()) {
    if (!isObsolete(path, from, to)) continue
    if (await attempt(path, () => rm(join(target, path), { recursive: true }))) deleted++
  }
  for (const [path, entry] of from.entries) {
    if (TEMPORARY.test(basename(path))) continue
    if (isSame(entry, to.entries.get(path))) unchanged++
    else if (await attempt(path, () => put(entry, join(source, path), join(target, path), signal))) copied++
  }
  return { copied, deleted, unchanged, failures }
}

/** It is not in the source any more, or is a folder on one side only; and the source could be looked at there. */
function isObsolete(path: string, from: Tree, to: Tree): boolean {
  const [here, there] = [from.entries.get(path), to.entries.get(path)]
  if (here !== undefined) return (here.kind === 'directory') !== (there?.kind === 'directory')
  for (const unknown of from.unknown.keys()) {
    if (path === unknown || path.startsWith(unknown + sep)) return false
  }
  return true
}

async function put(entry: Entry, source: string, target: string, signal: AbortSignal): Promise<void> {
  if (entry.kind === 'directory') await mkdir(target)
  else if (entry.kind === 'link') await replaceLink(entry.to, target)
  else await replaceFile(source, target, signal)
}
