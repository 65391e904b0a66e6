import type { Verdict } from './referee.ts'
import type { PackageName } from '../test/servers/installation.ts'
import type { StoreServer } from './store-server.ts'

export type Scale = 'quick' | 'full'

/** Where the jobs of a trial are kept. */
export interface StoreUnderTest {
  readonly name: string
  readonly isServer: boolean
  /** What it takes to open one; installed when it is missing. */
  readonly needs: readonly PackageName[]
  /**
   * Makes a new one, with what it keeps on disk in this folder if it can.
   * @param durable the case hits the server: what it has answered must have reached the disk, by whatever setting
   *   that takes. Else it is as it comes.
   */
  open(folder: string, options: { readonly durable: boolean }): Promise<OpenStore>
}

export interface OpenStore {
  readonly url: string
  /** Where it is a server, which can be hit as well. */
  readonly server?: StoreServer
  /** Lets go of it when all was judged. */
  close(): Promise<void>
}

export interface ChaosContext {
  readonly store: StoreUnderTest
  readonly scale: Scale
  readonly seed: number
  /** For the case alone; removed afterwards when all was well. */
  readonly folder: string
  /** Aborts when the run is given up. */
  readonly signal: AbortSignal
}

export interface CaseResult {
  readonly verdict: Verdict
  /** How often something was hit. */
  readonly strikes: number
  /** From each time that the server of the store answered again until each process had settled new work, ms. */
  readonly outagesMs?: readonly number[]
  /** For people: what else was seen. */
  readonly notes: readonly string[]
  /** What should not have been, beside lost jobs and unexplained duplicates. Empty when all was well. */
  readonly violations: readonly string[]
}

/** A named fault, injected into real processes that work. */
export interface ChaosCase {
  readonly name: string
  /** What it does, in a few words. */
  readonly title: string
  /** Part of quick runs. */
  readonly quick: boolean
  /** What it takes beside the store; installed when it is missing, where that may be done. */
  readonly needs?: readonly PackageName[]
  /** Why it cannot be tried here, with the way out; undefined when it can. */
  obstacle?(): string | undefined
  run(context: ChaosContext): Promise<CaseResult>
}
