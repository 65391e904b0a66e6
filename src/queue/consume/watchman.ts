import { randomText } from '../../core/id.ts'
import type { Backend } from '../backend.ts'
import { SilenceWatch } from '../silence.ts'

/** Hears when the store has not answered for so long; its connections are replaced. */
interface Silent {
  silent(forMs: number): void
}

/** How often the one that looks for all does so. */
const LOOK_MS = 4_300
/** After so long without a look by anybody, each looks for itself: a hint that was lost costs no job 5 s. */
const PATIENCE_MS = 4_600
/** Not all at once, for the first that looks does it for all. */
const SPREAD_MS = 200
/** Over before anybody loses patience, so that a looker that has died is replaced at once. */
const TERM_MS = 4_500
/** Workers that have or know of something do upkeep more often than that. */
const NEGLECT_MS = 7_000

const watchmen = new WeakMap<Backend, Watchman>()

/** The watchman of a store, one for all who use the same backend object. */
export function watchmanOf(backend: Backend): Watchman {
  let watchman = watchmen.get(backend)
  if (watchman === undefined) watchmen.set(backend, (watchman = new Watchman(backend)))
  return watchman
}

/**
 * Looks at the store for all workers of a backend object that wait for hints, since a hint can be lost. Of many such
 * objects, on any number of machines, one looks for all, and the others overhear that it did; so a fleet without work
 * costs what one process costs. Nobody relies on that one: who has not heard of a look for long enough looks.
 */
export class Watchman {
  readonly #backend: Backend
  readonly #name = randomText(12)
  readonly #guarded = new Set<{ readonly hinted: () => void; readonly heard: Silent }>()
  readonly #silence: SilenceWatch
  #timer: NodeJS.Timeout | undefined
  #endOverhearing: () => void = () => {}
  #leads = false
  #looking = false

  constructor(backend: Backend) {
    this.#backend = backend
    this.#silence = new SilenceWatch(backend, (forMs) => {
      for (const { heard } of this.#guarded) heard.silent(forMs)
    })
  }

  /**
   * Passes hints on, and sees to it that none is missed. A hint also comes when the store cannot be asked: then each
   * has to find out by itself what is the matter, wait in its own way, and say so.
   * @returns the function that ends it.
   */
  guard(queue: string, hinted: () => void, heard: Silent): () => void {
    const unwatch = this.#backend.watch(queue, hinted)
    if (this.#guarded.size === 0) this.#begin()
    const one = { hinted, heard }
    this.#guarded.add(one)
    return () => {
      unwatch()
      if (this.#guarded.delete(one) && this.#guarded.size === 0) this.#end()
    }
  }

  #begin(): void {
    this.#leads = false
    this.#endOverhearing = this.#backend.overhear?.(() => this.#overheard()) ?? (() => {})
    // What begins together does not look together for ever.
    this.#lookIn(PATIENCE_MS * (0.25 + Math.random() / 2))
  }

  #end(): void {
    clearTimeout(this.#timer)
    this.#endOverhearing()
  }

  /** It may be our own look, or that of another who has taken over: then the next one of ours will tell. */
  #overheard(): void {
    if (!this.#leads && !this.#looking) this.#lookIn(patience())
  }

  #lookIn(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#look(), ms)
  }

  async #look(): Promise<void> {
    const request = { looker: this.#name, termMs: TERM_MS, neglectMs: NEGLECT_MS }
    this.#looking = true
    try {
      this.#leads = await this.#silence.over(() => this.#backend.look(request))
    } catch {
      this.#leads = false
      for (const { hinted } of this.#guarded) hinted()
    }
    this.#looking = false
    if (this.#guarded.size > 0) this.#lookIn(this.#leads ? LOOK_MS : patience())
  }
}

function patience(): number {
  return PATIENCE_MS + Math.random() * SPREAD_MS
}
