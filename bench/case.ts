import type { Deliveries } from './deliveries.ts'
import type { ServerName } from './servers/index.ts'

/**
 * What is compared: a suite has cases, a case has contenders. Millhand is one of them; the others are its peers,
 * or Millhand itself under other conditions, when a case has a yardstick of its own.
 */
export interface Suite {
  readonly name: string
  readonly cases: readonly Case[]
  /** The server that all contenders use; it runs for as long as the suite. Default: none. */
  readonly server?: ServerName
}

export interface Case {
  readonly name: string
  /** What is measured, and how, in a line or two: it is printed in docs/performance.md. */
  readonly about: string
  readonly unit: Unit
  readonly better: 'higher' | 'lower'
  /** How many jobs a contender gets. No warm-up when there are none for it. */
  readonly jobs: Readonly<Record<Scale, number>>
  /** Rounds of a full run. Default: 5. */
  readonly rounds?: number
  /** For what takes its time however little is done: who is measured in a quick run, or nobody. Default: all peers. */
  readonly quickly?: readonly string[] | 'not at all'
  /** What Millhand's figure is called, where its peers are Millhand too. Default: `Millhand`. */
  readonly label?: string
  readonly millhand: Contender
  readonly peers: Readonly<Record<string, Contender>>
  /** Why it cannot be measured on this machine: it is said and left out. Default: it can. */
  readonly missing?: string
  /** The name of a note that Millhand's contender takes; it is compared with as if it were a peer's figure. */
  readonly yardstick?: string
}

/**
 * `calls/s`: commands or statements that a server executes in a second. `messages/CPU-s`: messages that a second of
 * CPU is enough for, whatever the time on the wall.
 */
export type Unit = 'jobs/s' | 'messages/s' | 'messages/CPU-s' | 'ms' | 'ns' | 'MiB' | 'bytes' | 'calls/s'

/** `warm-up`: before the clock, in the same process, thrown away. `quick`: for a first look. */
export type Scale = 'full' | 'quick' | 'warm-up'

/** Does the work once, in a process of its own, and answers with the figure in the unit of its case. */
export type Contender = (run: Run) => Promise<number>

export interface Run {
  readonly jobs: number
  readonly scale: Scale
  /** An empty folder for its files, removed afterwards. */
  readonly folder: string
  /** The URL of the suite's server, which is empty; an empty text when the suite has none. */
  readonly server: string
  /** Each contender says how many jobs it adds and marks each that arrives; the harness looks at it in the end. */
  readonly deliveries: Deliveries
  /** Does what is measured, after a collection of garbage; answers with the seconds that it took. */
  readonly timed: (work: () => Promise<void>) => Promise<number>
  /** A figure besides. */
  readonly note: (name: string, value: number) => void
}

/** What one run of a contender gave. */
export interface Measurement {
  readonly value: number
  readonly notes: Readonly<Record<string, number>>
  /** Where the time went, when that was asked for. */
  readonly profile?: readonly ProfileSlice[]
}

export interface ProfileSlice {
  /** A file of src/ without its ending, or what it is in parentheses. */
  readonly place: string
  /** Of the whole time, 0 to 1. */
  readonly share: number
}

export const MILLHAND = 'millhand'

export function contenderOf({ name, millhand, peers }: Case, contender: string): Contender {
  const found = contender === MILLHAND ? millhand : peers[contender]
  if (found === undefined) throw new Error(`expected a contender of case ${name}, got: ${contender}`)
  return found
}
