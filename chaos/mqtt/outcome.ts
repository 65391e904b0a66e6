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
/** What an acknowledgement may take from the end of the handler that it waited for to the broker, on a busy machine. */
const ON_ITS_WAY_MS = 250
/** The broker writes what it was told to its file a moment later; SIGKILL makes it forget the rest. */
const UNWRITTEN_MS = 1000

/** Compares what the handlers noted with what the broker has accepted. */
export function judge({ accepted, copies, runs, hits, restarts }: Evidence): Outcome {
  const ordered = runs.toSorted((a, b) => a.startedAt - b.startedAt)
  const ackedAt = acknowledgements(ordered)
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
        excuse = hits.find((hit) => isExcuse(hit, before, ackedAt.get(before)!, run))?.kind
        if (excuse === undefined) continue
        unanswered.delete(before)
        break
      }
      if (excuse === undefined && spare-- > 0) excuse = 'published again'
      if (excuse !== undefined) found[excuse] = (found[excuse] ?? 0) + 1
      else {
        const all = ofMessage.slice(0, at + 1).map((each) => text(each, ackedAt.get(each)!))
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

/**
 * When the acknowledgement of each run left its process, if nothing came between: when it and all that had arrived
 * there before it were done. Infinity: never.
 */
function acknowledgements(ordered: readonly Run[]): ReadonlyMap<Run, number> {
  const latest = new Map<number, number>()
  return new Map(
    ordered.map((run) => {
      const at = Math.max(latest.get(run.life) ?? 0, run.endedAt ?? Infinity)
      latest.set(run.life, at)
      return [run, at]
    }),
  )
}

/**
 * A message may come again when its acknowledgement may not have reached the broker: its process, its connection or
 * the broker was hit after the first run began and before the second did, and the acknowledgement had not left by
 * then, or only a moment before. The broker says so by `dup`, unless it crashed itself and has forgotten that it had
 * sent it.
 */
function isExcuse(hit: Hit, before: Run, ackedAt: number, run: Run): boolean {
  if (hit.pid !== undefined && hit.pid !== before.life) return false
  if (before.startedAt > hit.at + DYING_MS || run.startedAt < hit.at) return false
  if (ackedAt < hit.at - (hit.kind === 'crash' ? UNWRITTEN_MS : ON_ITS_WAY_MS)) return false
  return run.token.startsWith('again') || hit.kind === 'crash'
}

function text({ life, token, startedAt, endedAt }: Run, ackedAt: number): string {
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
