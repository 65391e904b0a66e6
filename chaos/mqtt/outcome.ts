import type { Run } from '../runs.ts'

/** Something was hit. */
export interface Hit {
  readonly kind: 'kill' | 'restart' | 'crash' | 'network'
  /** On the clock of `now()`. */
  readonly at: number
  /** The process that was killed; undefined for what met them all. */
  readonly pid?: number
}

export interface Evidence {
  /** Those that the broker has acknowledged to their publisher. */
  readonly accepted: ReadonlySet<number>
  /** Those that were published more than once, since the broker's word was lost. */
  readonly sentAgain: ReadonlySet<number>
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

/** Compares what the handlers noted with what the broker has accepted. */
export function judge({ accepted, sentAgain, runs, hits, restarts }: Evidence): Outcome {
  const byMessage = Map.groupBy(
    runs.toSorted((a, b) => a.startedAt - b.startedAt),
    ({ job }) => job,
  )
  const wasHandled = (n: number): boolean =>
    byMessage.get(n)?.some(({ endedAt }) => endedAt !== undefined) === true
  let duplicates = 0
  const unexplained: string[] = []
  const found: Record<string, number> = {}
  for (const [n, ofMessage] of byMessage) {
    for (const [at, run] of ofMessage.entries()) {
      if (at === 0) continue
      duplicates++
      const before = ofMessage[at - 1]!
      const excuse = sentAgain.has(n)
        ? 'published again'
        : hits.find((hit) => isExcuse(hit, before, run))?.kind
      if (excuse !== undefined) found[excuse] = (found[excuse] ?? 0) + 1
      else unexplained.push(`message ${n} was handled twice: ${text(before)}, ${text(run)}`)
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

/**
 * A message may come again when its acknowledgement may not have reached the broker: its process, its connection or
 * the broker was hit after the first run began and before the second did. The broker says so by `dup`, unless it
 * crashed itself and has forgotten that it had sent it.
 */
function isExcuse(hit: Hit, before: Run, run: Run): boolean {
  if (hit.pid !== undefined && hit.pid !== before.life) return false
  if (before.startedAt > hit.at + DYING_MS || run.startedAt < hit.at) return false
  return run.token.startsWith('again') || hit.kind === 'crash'
}

function text({ life, token, startedAt, endedAt }: Run): string {
  const end = endedAt === undefined ? 'never ended' : `ended ${(endedAt - startedAt).toFixed(0)} ms later`
  return `${token} in process ${life} at ${startedAt.toFixed(0)}, ${end}`
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
