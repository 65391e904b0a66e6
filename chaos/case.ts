import type { Verdict } from './referee.ts'

export type Scale = 'quick' | 'full'

/** Where the jobs of a trial are kept. */
export interface StoreUnderTest {
  readonly name: string
  /** Its URL, with what it keeps on disk in this folder. */
  url(folder: string): string
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
  /** How often a process was hit. */
  readonly strikes: number
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
  /** Why it cannot be tried here, with the way out; undefined when it can. */
  obstacle?(): string | undefined
  run(context: ChaosContext): Promise<CaseResult>
}
