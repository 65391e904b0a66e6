import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { now } from '../clock.ts'

/** A message that a worker has handled. */
export interface Handled {
  /** Which worker: no two of a run have the same. */
  readonly life: string
  readonly key: string
  /** Its place among the messages of its key, from 1. */
  readonly n: number
  /** The message of the key that its state had seen last. */
  readonly before: number
  /** The worker was told of a gap of this key since then. */
  readonly isGapped: boolean
  /** On the clock of `now()`. */
  readonly at: number
}

const ENDING = '.sequences'

/** The life of a worker in a process, or in a thread of one. */
export function lifeOf(pid: number, thread: number): string {
  return `${pid}-${thread}`
}

/**
 * What one worker has handled, in a file that only grows: a line is the system's when it is written, and outlives
 * whoever wrote it.
 */
export class SequenceLedger {
  readonly #fd: number

  constructor(folder: string) {
    this.#fd = openSync(join(folder, `${lifeOf(process.pid, threadId)}${ENDING}`), 'a')
  }

  note(key: string, n: number, before: number, isGapped: boolean): void {
    writeSync(this.#fd, `${key} ${n} ${before} ${isGapped ? 1 : 0} ${now().toFixed(3)}\n`)
  }

  close(): void {
    closeSync(this.#fd)
  }
}

/** What all workers noted in a folder, each's in its order. */
export function readSequences(folder: string): Handled[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(ENDING))
    .flatMap((file) => parse(file.slice(0, -ENDING.length), readFileSync(join(folder, file), 'utf8')))
}

/** A last line without its end was never written whole. @throws Error at a line that no ledger writes. */
function parse(life: string, text: string): Handled[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const [key, n, before, gapped, at] = line.split(' ')
      if (key === undefined || at === undefined) throw new Error(`expected a line of a ledger, got: ${line}`)
      return { life, key, n: Number(n), before: Number(before), isGapped: gapped === '1', at: Number(at) }
    })
}
