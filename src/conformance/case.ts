import type { Backend } from '../queue/backend.ts'
import { Subject } from './subject.ts'

/**
 * What the cases need of whoever runs them: a store, and power over time. A new harness is made for each case;
 * since each case uses queues of its own, all may reach the same store.
 */
export interface Harness {
  /**
   * Opens the store, ready for use. Every call gives another opening of the same store, as another process
   * would have it, where `capabilities.sharedBy` says more than `process`; else the same one.
   */
  open(): Promise<Backend>
  /**
   * Lets `ms` go by for the store: moves its clock, or waits. The cases use short leases and ask for some
   * hundred ms at a time, so that a store whose clock belongs to a server can be waited for.
   */
  pass(ms: number): Promise<void>
  /** Sets the store's time of day forward or back by `ms`. Absent where the clock is not ours to set. */
  jumpWall?(ms: number): Promise<void>
  /**
   * Begins a transaction in the same database on a client of its own, as an application has it. Needed where
   * `capabilities.transactions` is true; ended by `close` if the case did not.
   */
  transaction?(): Promise<OpenTransaction>
  /** Closes what was opened and removes what was stored. */
  close(): Promise<void>
}

export interface OpenTransaction {
  /** What the store is given. */
  readonly client: unknown
  commit(): Promise<void>
  rollBack(): Promise<void>
}

/** One sentence about what a store does. */
export interface ConformanceCase {
  readonly topic: string
  readonly name: string
  /** What the harness must be able to do for it, beyond the usual. */
  readonly needs?: Need
  /** Rejects when the store does not do it. */
  run(harness: Harness): Promise<void>
}

/**
 * `jumpWall`: the harness can set the clock. `sharing`: two openings are two clients of the store. `durability`:
 * what was stored is there when the store is opened again. `transactions`: it takes part in those of the caller.
 */
export type Need = 'jumpWall' | 'sharing' | 'durability' | 'transactions'

/** Makes cases of sentences, each with what shows that it is true. */
export function topic(
  name: string,
  sentences: Readonly<Record<string, (subject: Subject) => Promise<void>>>,
  needs?: Need,
): ConformanceCase[] {
  return Object.entries(sentences).map(([sentence, show]) => ({
    topic: name,
    name: sentence,
    ...(needs === undefined ? {} : { needs }),
    run: async (harness) => show(new Subject(await harness.open(), harness)),
  }))
}

/** Why a case says nothing of this store; undefined when it does. */
async function reasonToSkip(needs: Need | undefined, harness: Harness): Promise<string | undefined> {
  if (needs === undefined) return undefined
  if (needs === 'jumpWall') {
    return harness.jumpWall === undefined ? 'the clock of this store cannot be set' : undefined
  }
  const { durable, sharedBy, transactions } = (await harness.open()).capabilities
  if (needs === 'transactions') {
    return transactions ? undefined : 'this store takes part in no transactions of the caller'
  }
  if (needs === 'durability') return durable ? undefined : 'this store is not durable'
  return sharedBy === 'process' ? 'this store has a single opening' : undefined
}

export interface RunnableCase {
  /** `topic: name` */
  readonly title: string
  /** Runs the case in a harness of its own. `skip` is told why, when the case does not apply. */
  readonly run: (skip: (reason: string) => void) => Promise<void>
}

/** Binds cases to a store, ready to be handed to any test runner. */
export function runnable(
  cases: readonly ConformanceCase[],
  makeHarness: () => Promise<Harness>,
): RunnableCase[] {
  return cases.map((each) => ({
    title: `${each.topic}: ${each.name}`,
    run: async (skip) => {
      const harness = await makeHarness()
      try {
        const reason = await reasonToSkip(each.needs, harness)
        if (reason === undefined) await each.run(harness)
        else skip(reason)
      } finally {
        await harness.close()
      }
    },
  }))
}
