import { BackendError, toError } from '../../core/errors.ts'
import { after } from '../../core/timer.ts'
import type { Commit, ShardStore } from './shard-store.ts'

export interface CommitterOptions {
  readonly store: Pick<ShardStore, 'commit'>
  readonly member: string
  /** How long a commit may wait for others to go with it, ms. */
  readonly everyMs: number
  /** Whether the shard is owned still, as far as this process knows. */
  readonly isCurrent: (commit: Commit) => boolean
  /** It is stored. */
  readonly onCommitted: (commit: Commit) => void
  /** It was refused: another owns the shard. */
  readonly onFenced: (commit: Commit) => void
  readonly onError: (error: Error) => void
}

/** The commits of all shards, the last one of each, sent together and one sending after the other. */
export class Committer {
  readonly #options: CommitterOptions
  readonly #pending = new Map<number, Commit>()
  #cancel: (() => void) | undefined
  #isSending = false
  #closed = false

  constructor(options: CommitterOptions) {
    this.#options = options
  }

  add(commit: Commit): void {
    if (this.#closed) return
    this.#pending.set(commit.shard, commit)
    this.#plan()
  }

  close(): void {
    this.#closed = true
    this.#cancel?.()
    this.#pending.clear()
  }

  #plan(): void {
    if (this.#isSending || this.#closed || this.#pending.size === 0) return
    this.#cancel ??= after(this.#options.everyMs, () => void this.#send())
  }

  async #send(): Promise<void> {
    const { store, member, isCurrent, onCommitted, onFenced, onError } = this.#options
    this.#cancel = undefined
    // What was given up has taken its position along.
    const commits = [...this.#pending.values()].filter(isCurrent)
    this.#pending.clear()
    if (commits.length === 0) return
    this.#isSending = true
    try {
      const held = await store.commit(member, commits)
      for (const [at, commit] of commits.entries())
        if (isCurrent(commit)) (held[at] === true ? onCommitted : onFenced)(commit)
    } catch (thrown) {
      const error = toError(thrown)
      // What came since is newer. Positions only grow, so one that did arrive after all does no harm again.
      if (error instanceof BackendError && error.retryable) {
        for (const commit of commits)
          if (!this.#pending.has(commit.shard)) this.#pending.set(commit.shard, commit)
      }
      if (!this.#closed) onError(error)
    }
    this.#isSending = false
    this.#plan()
  }
}
