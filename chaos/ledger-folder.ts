import { accessSync, constants, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** Files there are in memory: they outlive processes, and whoever writes one never waits for a disk. Linux has it. */
const MEMORY = '/dev/shm'

/** Those of a run that is given up. */
const inMemory = new Set<string>()
process.on('exit', () => {
  for (const folder of inMemory) rmSync(folder, { recursive: true, force: true })
})

/** Where the ledgers of a trial are while it lasts, and afterwards. */
export class LedgerFolder {
  readonly #final: string
  #path: string

  /**
   * @param folder of the case, where they are in the end.
   * @param onDisk whether they are there from the start. Else the disk is the store's alone where that can be: a
   *   worker that waits for a line of its ledger would look as if it waited for the store.
   */
  constructor(folder: string, onDisk: boolean) {
    this.#final = join(folder, 'ledgers')
    const ahead = onDisk ? undefined : makeInMemory()
    if (ahead === undefined) mkdirSync(this.#final, { recursive: true })
    this.#path = ahead ?? this.#final
  }

  get path(): string {
    return this.#path
  }

  /** Puts them where they stay. No process writes to them any more. */
  keep(): void {
    const from = this.#path
    if (from === this.#final) return
    cpSync(from, this.#final, { recursive: true })
    this.#path = this.#final
    rmSync(from, { recursive: true })
    inMemory.delete(from)
  }
}

function makeInMemory(): string | undefined {
  try {
    accessSync(MEMORY, constants.W_OK)
  } catch {
    return undefined
  }
  const folder = mkdtempSync(join(MEMORY, 'millhand-chaos-'))
  inMemory.add(folder)
  return folder
}
