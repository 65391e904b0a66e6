/** Who wants to hear of which queue. What happens in one tick is told once, after it. */
export class Hints {
  readonly #watchers = new Map<string, Set<() => void>>()
  readonly #pending = new Set<string>()

  watch(queue: string, hint: () => void): () => void {
    let watchers = this.#watchers.get(queue)
    if (watchers === undefined) this.#watchers.set(queue, (watchers = new Set()))
    // Two watchers may bring the same function; each is ended on its own.
    const watcher = (): void => hint()
    watchers.add(watcher)
    return () => {
      watchers.delete(watcher)
    }
  }

  tell(queue: string): void {
    const watchers = this.#watchers.get(queue)
    if (watchers === undefined || watchers.size === 0 || this.#pending.has(queue)) return
    this.#pending.add(queue)
    queueMicrotask(() => {
      this.#pending.delete(queue)
      for (const watcher of watchers) watcher()
    })
  }

  clear(): void {
    for (const watchers of this.#watchers.values()) watchers.clear()
  }
}
