import type { Run } from '../runs.ts'

/** Something was hit. */
export interface Hit {
  readonly kind: 'kill' | 'restart' | 'crash' | 'network'
  /** On the clock of `now()`. */
  readonly at: number
  /** The process that was killed; undefined for what met them all. */
  readonly pid?: number
  /** Of a broker that was killed while it was behind: what had been said to it by then was in its file. Default: all. */
  readonly heardAt?: number
}

export interface Evidence {
  /** Those that the broker has acknowledged to their publisher. */
  readonly accepted: ReadonlySet<number>
  /** Of those that were published more than once, since the broker's word was lost: how often it may have them. */
  readonly copies: ReadonlyMap<number, number>
  readonly runs: readonly Run[]
  readonly hits: readonly Hit[]
  /** Of the workers together. */
  readonly restarts: number
}

export interface Outcome {
  readonly messages: number
  /** Accepted by the broker, and never handled to the end. */
  readonly lost: readonly number[]
  /** Runs of a message beyond its first. */
  readonly duplicates: number
  /** What excuses how many of them. */
  readonly excuses: Readonly<Record<string, number>>
  /** For people: what nothing excuses. */
  readonly unexplained: readonly string[]
  readonly faults: number
  /** Workers that were started again although nobody had killed them. */
  readonly otherRestarts: number
}

/** What a process was sent a moment before it died may have begun by then. */
const DYING_MS = 50
/**
 * What an acknowledgement takes until the broker has read it, at most, unless it is one of the last. A mosquitto that
 * writes its file at each change is behind with its reading when much comes at once: by 0.3 to 0.8 s, as measured.
 */
const ON_ITS_WAY_MS = 1000
/** So many a worker may have unacknowledged: the default `window` of a connection. */
export const WINDOW = 100

/** Compares what the handlers noted with what the broker has accepted. */
export function judge({ accepted, copies, runs, hits, restarts }: Evidence): Outcome {
  const ordered = runs.toSorted((a, b) => a.startedAt - b.startedAt)
  const deliveries = deliveriesOf(ordered)
  const byMessage = Map.groupBy(ordered, ({ job }) => job)
  const wasHandled = (n: number): boolean =>
    byMessage.get(n)?.some(({ endedAt }) => endedAt !== undefined) === true
  let duplicates = 0
  const unexplained: string[] = []
  const found: Record<string, number> = {}
  for (const [n, ofMessage] of byMessage) {
    // What was not acknowledged comes again once, and may then be unacknowledged in its turn.
    const unanswered = new Set<Run>()
    let spare = (copies.get(n) ?? 1) - 1
    for (const [at, run] of ofMessage.entries()) {
      unanswered.add(run)
      if (at === 0) continue
      duplicates++
      let excuse: string | undefined
      for (const before of ofMessage.slice(0, at)) {
        if (!unanswered.has(before)) continue
        excuse = hits.find((hit) => isExcuse(hit, deliveries.get(before)!, run))?.kind
        if (excuse === undefined) continue
        unanswered.delete(before)
        break
      }
      if (excuse === undefined && spare-- > 0) excuse = 'published again'
      if (excuse !== undefined) found[excuse] = (found[excuse] ?? 0) + 1
      else {
        const all = ofMessage.slice(0, at + 1).map((each) => text(deliveries.get(each)!))
        unexplained.push(`message ${n} was handled again: ${all.join(', ')}`)
      }
    }
  }
  return {
    messages: accepted.size,
    lost: [...accepted].filter((n) => !wasHandled(n)),
    duplicates,
    excuses: found,
    unexplained,
    faults: hits.length,
    otherRestarts: restarts - hits.filter(({ kind }) => kind === 'kill').length,
  }
}

/** A run among those of its process. */
interface Delivery {
  readonly run: Run
  /** When its acknowledgement left, if nothing came between: it and all that came before it were done. */
  readonly ackedAt: number
  /** How many had begun before it. */
  readonly place: number
  /** All that began there, in order. */
  readonly all: readonly Run[]
}

function deliveriesOf(ordered: readonly Run[]): ReadonlyMap<Run, Delivery> {
  const deliveries = new Map<Run, Delivery>()
  for (const all of Map.groupBy(ordered, ({ life }) => life).values()) {
    let ackedAt = 0
    for (const [place, run] of all.entries()) {
      ackedAt = Math.max(ackedAt, run.endedAt ?? Infinity)
      deliveries.set(run, { run, ackedAt, place, all })
    }
  }
  return deliveries
}

/**
 * A message may come again when its acknowledgement may not have reached the broker: its process, its connection or
 * the broker was hit after the first run began and before the second did, and by then the acknowledgement had not
 * left, or only a moment before, or it was one of the last of its process. The broker says so by `dup`, unless it
 * crashed itself and has forgotten that it had sent it.
 */
function isExcuse(hit: Hit, { run: before, ackedAt, place, all }: Delivery, run: Run): boolean {
  const { kind, at, pid, heardAt = at } = hit
  if (pid !== undefined && pid !== before.life) return false
  if (before.startedAt > at + DYING_MS || run.startedAt < at) return false
  const windowAfter = all[place + WINDOW]?.startedAt ?? Infinity
  if (ackedAt < heardAt - ON_ITS_WAY_MS && windowAfter < heardAt) return false
  return run.token.startsWith('again') || kind === 'crash'
}

function text({ run: { life, token, startedAt, endedAt }, ackedAt }: Delivery): string {
  const after = (at: number): string => `${(at - startedAt).toFixed(0)} ms later`
  const end = endedAt === undefined ? 'never ended' : `ended ${after(endedAt)}`
  const ack = ackedAt === Infinity ? 'never acknowledged' : `acknowledged ${after(ackedAt)}`
  return `${token} in process ${life} at ${startedAt.toFixed(0)}, ${end}, ${ack}`
}

export function isWell({ messages, lost, unexplained, otherRestarts }: Outcome): boolean {
  return messages > 0 && lost.length + unexplained.length + otherRestarts === 0
}

/** The line that scripts read: sums over all cases. */
export function jsonLine(outcomes: readonly Outcome[]): string {
  const sum = (of: (outcome: Outcome) => number): number =>
    outcomes.reduce((total, outcome) => total + of(outcome), 0)
  return JSON.stringify({
    messages: sum(({ messages }) => messages),
    lost: sum(({ lost }) => lost.length),
    duplicates: sum(({ duplicates }) => duplicates),
    unexplainedDuplicates: sum(({ unexplained }) => unexplained.length),
    faults: sum(({ faults }) => faults),
    otherRestarts: sum(({ otherRestarts }) => otherRestarts),
  })
}

export function outcomeText(name: string, outcome: Outcome, seconds: number): string {
  const { messages, lost, duplicates, excuses, unexplained, faults, otherRestarts } = outcome
  const lines = [
    `${isWell(outcome) ? 'ok  ' : 'FAIL'} ${name}: ${messages} messages, ${faults} faults, lost ${lost.length}, ` +
      `handled again ${duplicates} (${unexplained.length} unexplained), other restarts ${otherRestarts}, ${seconds.toFixed(0)} s`,
  ]
  if (duplicates > 0) {
    const each = Object.entries(excuses).map(([excuse, count]) => `${excuse} ${count}`)
    lines.push(`handled again after: ${each.join(', ')}`)
  }
  if (lost.length > 0) lines.push(`lost: ${lost.slice(0, 10).join(', ')}`)
  lines.push(...unexplained.slice(0, 5))
  return lines.join('\n     ')
}
