import { randomUUID } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import type { FileState } from './checkpoint.ts'

/** So many bytes before an offset stand for all that came before it. Log lines carry their time, so that is enough. */
export const MARK_BYTES = 256
/** A log that is copied and then truncated can be read a little further than its copy goes. */
const MARKS = 8

export interface Identity {
  /** Device and inode. An inode alone says little: it is given to the next file when its file is removed. */
  readonly key: string
  readonly size: number
  /** When it was last written, ns. */
  readonly mtime: bigint
}

export async function identify(handle: FileHandle): Promise<Identity> {
  const stats = await handle.stat({ bigint: true })
  return { key: keyOf(stats), size: Number(stats.size), mtime: stats.mtimeNs }
}

export function keyOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`
}

export function newState(key: string): FileState {
  return { id: randomUUID(), key, offset: 0, isSkipping: false, isFinished: false, marks: [] }
}

/** Moves a state forward. @param before the bytes before the new offset. */
export function advance(state: FileState, offset: number, before: Buffer, isSkipping: boolean): void {
  state.offset = offset
  state.isSkipping = isSkipping
  state.marks = [...state.marks, { offset, bytes: before.toString('base64') }].slice(-MARKS)
}

/** The bytes before an offset, as many as a mark keeps; fewer when the file is shorter than that. */
export async function bytesBefore(handle: FileHandle, offset: number): Promise<Buffer> {
  const length = Math.min(offset, MARK_BYTES)
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset - length)
  return buffer.subarray(0, bytesRead)
}

/** Whether the file still is the one that was read up to here: nobody truncated it and wrote it anew. */
export async function isUnchanged(handle: FileHandle, state: FileState): Promise<boolean> {
  const mark = state.marks.at(-1)
  return mark === undefined || (await holds(handle, mark))
}

/**
 * The state of a file that is a copy of the one that `origin` was about, as `copytruncate` makes them: reading goes
 * on where the two are known to be the same. Undefined when it is no copy.
 */
export async function stateOfCopy(
  handle: FileHandle,
  { key, size }: Identity,
  origin: FileState,
): Promise<FileState | undefined> {
  const mark = origin.marks.findLast(({ offset }) => offset > 0 && offset <= size)
  if (mark === undefined || !(await holds(handle, mark))) return undefined
  // At the newest mark a line may be half skipped; the older ones are good enough to begin there.
  const isSkipping = mark.offset === origin.offset && origin.isSkipping
  return { ...origin, key, offset: mark.offset, isSkipping, isFinished: false, marks: [mark] }
}

async function holds(handle: FileHandle, mark: FileState['marks'][number]): Promise<boolean> {
  return (await bytesBefore(handle, mark.offset)).equals(Buffer.from(mark.bytes, 'base64'))
}
