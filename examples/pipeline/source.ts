import { createHash } from 'node:crypto'
import { opendir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { QueueFullError, Worker, type AddedJob } from 'millhand'
import { drained } from './drained.ts'
import type { File, Queues } from './queues.ts'

export interface SourceOptions {
  readonly roots: readonly string[]
  readonly queues: Queues
  /** Looks once, instead of again and again. */
  readonly once: boolean
  /** Everything that was found has come to its end; not called when nothing of it is new. */
  readonly onDrained: (ids: readonly string[]) => Promise<void>
}

/** Finds files, and puts them into the pipeline as fast as that takes them. */
export class Source extends Worker<SourceOptions> {
  protected override async main(): Promise<void> {
    await this.#look(true)
    while (!this.options.once && (await this.sleep('5s'))) await this.#look(false)
  }

  async #look(isFirst: boolean): Promise<void> {
    const { roots, queues, onDrained } = this.options
    const ids: string[] = []
    let added = 0
    for (const root of roots) {
      for await (const file of filesBelow(root)) {
        const { id, status } = await this.#offer(file)
        ids.push(id)
        if (status === 'added') added++
      }
    }
    await drained(queues, this.signal)
    if (isFirst || added > 0) await onDrained(ids)
  }

  /** Waits until there is room. */
  async #offer(file: File): Promise<AddedJob> {
    const id = idOf(file)
    for (;;) {
      this.signal.throwIfAborted()
      try {
        return await this.options.queues.fetch.add('item', file, { id })
      } catch (error) {
        if (!(error instanceof QueueFullError)) throw error
      }
    }
  }
}

/** A file that was changed is another item; one that was not is a duplicate. */
function idOf({ path, modifiedMs }: File): string {
  return createHash('sha256').update(`${modifiedMs}:${path}`).digest('base64url')
}

async function* filesBelow(folder: string): AsyncGenerator<File> {
  for await (const entry of await opendir(folder)) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* filesBelow(path)
    else if (entry.isFile()) yield { path, modifiedMs: (await stat(path)).mtimeMs }
  }
}
