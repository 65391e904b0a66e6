import { stat, type FileHandle } from 'node:fs/promises'
import { loadCheckpoint, saveCheckpoint, type FileState } from './checkpoint.ts'
import { findFamily, undefinedIfMissing, type Found } from './family.ts'
import { advance, bytesBefore, isUnchanged, keyOf, MARK_BYTES, newState, stateOfCopy } from './identity.ts'
import { lastLine, takeLines, type Line } from './lines.ts'

export interface FollowerOptions {
  readonly path: string
  readonly checkpoint: string
  /** Longer lines are cut. */
  readonly maxLineBytes: number
  /** A renamed file counts as finished when nobody has written to it for so long. */
  readonly lingerMs: number
  /** Where to begin when there is no checkpoint. */
  readonly from: 'start' | 'end'
  /** Hears of a file that went away, or was emptied, and may not have been read to its end. */
  readonly onGone: (state: FileState) => void
}

export interface Batch {
  /** Of the file that the lines are in; stays the same when it is renamed. */
  readonly fileId: string
  /** Their `start` is counted from the beginning of the file. */
  readonly lines: readonly Line[]
}

/** A file that is being read. */
interface Tail {
  readonly handle: FileHandle
  readonly state: FileState
  /** When it was last seen to grow, ms of the monotonic clock. */
  grewAt: number
}

/** Lines, and what is to be noted once they are dealt with. */
interface Step {
  readonly batch: Batch
  readonly offset: number
  readonly before: Buffer
  readonly isSkipping: boolean
}

const READ_BYTES = 64 * 1024
/** Files that are not there now and still remembered: one may have been missed while it was being renamed. */
const REMEMBERED = 32

/**
 * Follows a log through its rotations. Every line is handed out, none twice, also when this ends and is begun again:
 * a line counts as dealt with when the next batch is asked for.
 */
export class Follower {
  readonly #options: FollowerOptions
  /** All files of the log, the finished ones too: that is how they are known to be finished. */
  #states: FileState[] = []
  /** Those that are being read, oldest first; the one at the path is the last. */
  #tails: Tail[] = []
  #pathKey: string | undefined
  /** There is no checkpoint yet. */
  #isNew = true
  #hasLooked = false

  constructor(options: FollowerOptions) {
    this.#options = options
  }

  async open(): Promise<void> {
    const states = await loadCheckpoint(this.#options.checkpoint)
    this.#isNew = states === undefined
    this.#states = states ?? []
  }

  async close(): Promise<void> {
    for (const { handle } of this.#tails.splice(0)) await handle.close()
  }

  /**
   * Reads what is there. Asking for the next batch confirms the last one.
   * @param isLast do not wait for more to be written to files that were renamed.
   */
  async *poll(signal: AbortSignal, isLast = false): AsyncGenerator<Batch, void, void> {
    if ((await this.#hasMoved()) || !this.#hasLooked) await this.#lookAround()
    for (const tail of this.#tails) {
      while (!signal.aborted) {
        const step = await this.#read(tail)
        if (step === undefined) break
        if (step === 'truncated') {
          await this.#lookAround()
          return yield* this.poll(signal, isLast)
        }
        yield step.batch
        tail.grewAt = performance.now()
        await this.#confirm(tail, step)
      }
      const isIdle = isLast || performance.now() - tail.grewAt >= this.#options.lingerMs
      if (tail.state.key !== this.#pathKey && isIdle && !signal.aborted) yield* this.#finish(tail)
    }
  }

  /** Whether there is a file at the path, and another one than before. */
  async #hasMoved(): Promise<boolean> {
    const there = await stat(this.#options.path, { bigint: true }).catch(undefinedIfMissing)
    const key = there && keyOf(there)
    const hasMoved = key !== undefined && key !== this.#pathKey
    this.#pathKey = key
    return hasMoved
  }

  /** Finds all files of the log, and for each how far it was read. */
  async #lookAround(): Promise<void> {
    const openHandles = new Set(this.#tails.map(({ handle }) => handle))
    const family = await findFamily(this.#options.path, [...openHandles])
    const orphans = await this.#takeOrphans(family)
    const states = new Map(this.#states.map((state) => [state.key, state]))
    const tails: Tail[] = []
    for (const found of family) {
      const { handle, identity, isPath } = found
      const state = states.get(identity.key) ?? (await this.#meet(found, orphans))
      states.delete(identity.key)
      states.set(identity.key, state)
      if (isPath) this.#pathKey = identity.key
      state.isFinished = !isPath && !openHandles.has(handle) && state.offset >= identity.size
      if (state.isFinished) await handle.close()
      else tails.push({ handle, state, grewAt: this.#grewAt(handle) })
    }
    for (const orphan of orphans) {
      const wasCopied = [...states.values()].some(({ id }) => id === orphan.id)
      if (!wasCopied && !orphan.isFinished) this.#options.onGone(orphan)
    }
    this.#tails = tails
    this.#states = [...states.values()].slice(-family.length - REMEMBERED)
    this.#isNew = false
    this.#hasLooked = true
    // Before the first line of a file is handed out, so that it has the same id after a restart.
    await this.#save()
  }

  /** States whose file has other content now, or is gone before it was finished. */
  async #takeOrphans(family: readonly Found[]): Promise<FileState[]> {
    const orphans: FileState[] = []
    for (const state of this.#states) {
      const file = family.find(({ identity }) => identity.key === state.key)
      const isOrphan = file === undefined ? !state.isFinished : !(await isUnchanged(file.handle, state))
      if (isOrphan) orphans.push(state)
    }
    this.#states = this.#states.filter((state) => !orphans.includes(state))
    return orphans
  }

  /** The state of a file that is seen for the first time. */
  async #meet({ handle, identity, isPath }: Found, orphans: readonly FileState[]): Promise<FileState> {
    for (const orphan of orphans) {
      const copied = await stateOfCopy(handle, identity, orphan)
      if (copied !== undefined) return copied
    }
    const state = newState(identity.key)
    // Files that were rotated before this program first ran are none of its business.
    if (this.#isNew && (!isPath || this.#options.from === 'end')) {
      const before = await bytesBefore(handle, identity.size)
      advance(state, identity.size, before, before.length > 0 && before.at(-1) !== 0x0a)
    }
    return state
  }

  #grewAt(handle: FileHandle): number {
    return this.#tails.find((tail) => tail.handle === handle)?.grewAt ?? performance.now()
  }

  /** The next complete lines of a file; undefined when there is nothing new. */
  async #read({ handle, state }: Tail): Promise<Step | 'truncated' | undefined> {
    const { maxLineBytes } = this.#options
    const mark = Buffer.from(state.marks.at(-1)?.bytes ?? '', 'base64')
    // In one read with what is new, the bytes before it: they tell that it is still the same file.
    const buffer = Buffer.alloc(mark.length + maxLineBytes + READ_BYTES)
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, state.offset - mark.length)
    if (!buffer.subarray(0, Math.min(bytesRead, mark.length)).equals(mark)) return 'truncated'
    const chunk = buffer.subarray(mark.length, bytesRead)
    const { lines, bytes, isSkipping } = takeLines(chunk, maxLineBytes, state.isSkipping)
    if (bytes === 0) return undefined
    const before = buffer.subarray(0, mark.length + bytes).subarray(-MARK_BYTES)
    return stepOf(state, lines, bytes, before, isSkipping)
  }

  /** The end of a file that nobody writes to any more, with the line that has no end. */
  async *#finish(tail: Tail): AsyncGenerator<Batch, void, void> {
    const { handle, state } = tail
    const { maxLineBytes } = this.#options
    const { buffer, bytesRead } = await handle.read({
      buffer: Buffer.alloc(maxLineBytes + 2),
      position: state.offset,
    })
    const rest = buffer.subarray(0, bytesRead)
    // Somebody wrote to it after all.
    if (rest.includes('\n')) return
    if (rest.length > 0 && !state.isSkipping) {
      const before = await bytesBefore(handle, state.offset + rest.length)
      const step = stepOf(state, [lastLine(rest, maxLineBytes)], rest.length, before, false)
      yield step.batch
      await this.#confirm(tail, step)
    }
    state.isFinished = true
    this.#tails = this.#tails.filter((each) => each !== tail)
    await handle.close()
    await this.#save()
  }

  async #confirm({ state }: Tail, { offset, before, isSkipping }: Step): Promise<void> {
    advance(state, offset, before, isSkipping)
    await this.#save()
  }

  async #save(): Promise<void> {
    await saveCheckpoint(this.#options.checkpoint, this.#states)
  }
}

function stepOf(
  { id, offset }: FileState,
  lines: readonly Line[],
  bytes: number,
  before: Buffer,
  isSkipping: boolean,
): Step {
  const placed = lines.map((line) => ({ ...line, start: line.start + offset }))
  return { batch: { fileId: id, lines: placed }, offset: offset + bytes, before, isSkipping }
}
