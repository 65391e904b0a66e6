import type { Handled } from './sequence-ledger.ts'

/** Something was done to the workers. */
export interface Hit {
  readonly kind: 'kill' | 'terminate' | 'scale'
  /** On the clock of `now()`. */
  readonly at: number
  /** The worker that was ended; undefined for what met them all. */
  readonly life?: string
}

/** The answer of a query, or the state of a key in the end. */
export interface Answer {
  readonly key: string
  /** So many messages of the key were routed before it was asked. */
  readonly routed: number
  /** What its state had seen last. */
  readonly last: number
  readonly isGapped: boolean
}

export interface Evidence {
  /** How many messages of each key were routed, numbered from 1. */
  readonly routed: ReadonlyMap<string, number>
  readonly handled: readonly Handled[]
  readonly answers: readonly Answer[]
  readonly hits: readonly Hit[]
  /** Workers that took the place of one that died, as the group tells. */
  readonly replaced: number
}

export interface Outcome {
  readonly messages: number
  /** Never handled by any worker. */
  readonly lost: readonly string[]
  readonly outOfOrder: readonly string[]
  /** A state lacks messages, and nobody had told its worker. */
  readonly undeclaredGaps: readonly string[]
  readonly faults: number
  /** Messages that were handled again by the next life of a worker that was ended. */
  readonly again: number
  readonly declaredGaps: number
  readonly replaced: number
}

/** Compares what the workers noted with what was routed. */
export function judge({ routed, handled, answers, hits, replaced }: Evidence): Outcome {
  const endedAt = new Map(hits.flatMap(({ life, at }) => (life === undefined ? [] : [[life, at] as const])))
  const byKey = Map.groupBy(
    handled.toSorted((a, b) => a.at - b.at),
    ({ key }) => key,
  )
  const lost: string[] = []
  const outOfOrder: string[] = []
  const undeclaredGaps: string[] = []
  let [messages, again, declaredGaps] = [0, 0, 0]
  for (const [key, count] of routed) {
    messages += count
    const first = new Map<number, Handled>()
    let newest = 0
    for (const one of byKey.get(key) ?? []) {
      const { n, before, isGapped } = one
      if (n <= before) outOfOrder.push(`${text(one)}: its state had seen ${before}`)
      else if (n > before + 1 && !isGapped)
        undeclaredGaps.push(`${text(one)}: its state had seen ${before} last`)
      else if (n > before + 1) declaredGaps++
      if (n <= newest) {
        const earlier = first.get(n)
        if (earlier !== undefined && isExcused(earlier, one, endedAt)) again++
        else
          outOfOrder.push(
            `${text(one)}: ${newest} was handled before${earlier === undefined ? '' : `, and ${text(earlier)}`}`,
          )
      }
      newest = Math.max(newest, n)
      first.set(n, one)
    }
    for (let n = 1; n <= count; n++) if (!first.has(n)) lost.push(`${key} ${n}`)
  }
  for (const { key, routed, last, isGapped } of answers) {
    if (last < routed && !isGapped)
      undeclaredGaps.push(`${key}: asked after message ${routed}, its state had seen ${last} last`)
  }
  return { messages, lost, outOfOrder, undeclaredGaps, faults: hits.length, again, declaredGaps, replaced }
}

/** Whoever was ended may have handled what it had not said yet. */
function isExcused(earlier: Handled, one: Handled, endedAt: ReadonlyMap<string, number>): boolean {
  const at = endedAt.get(earlier.life)
  return at !== undefined && earlier.life !== one.life && one.at > at
}

function text({ key, n, life, at }: Handled): string {
  return `${key} ${n} by ${life} at ${at.toFixed(1)}`
}

export function isWell({ messages, lost, outOfOrder, undeclaredGaps }: Outcome): boolean {
  return messages > 0 && lost.length + outOfOrder.length + undeclaredGaps.length === 0
}

/** The line that scripts read: sums over all cases. */
export function jsonLine(outcomes: readonly Outcome[]): string {
  const sum = (of: (outcome: Outcome) => number): number =>
    outcomes.reduce((total, outcome) => total + of(outcome), 0)
  return JSON.stringify({
    messages: sum(({ messages }) => messages),
    lost: sum(({ lost }) => lost.length),
    outOfOrder: sum(({ outOfOrder }) => outOfOrder.length),
    undeclaredGaps: sum(({ undeclaredGaps }) => undeclaredGaps.length),
    faults: sum(({ faults }) => faults),
  })
}

export function outcomeText(name: string, outcome: Outcome, seconds: number): string {
  const { messages, lost, outOfOrder, undeclaredGaps, faults, again, declaredGaps, replaced } = outcome
  const lines = [
    `${isWell(outcome) ? 'ok  ' : 'FAIL'} ${name}: ${messages} messages, ${faults} faults, lost ${lost.length}, ` +
      `out of order ${outOfOrder.length}, undeclared gaps ${undeclaredGaps.length}, ${seconds.toFixed(0)} s`,
    `${replaced} workers were replaced; handled again after that ${again}, gaps that were told ${declaredGaps}`,
  ]
  if (lost.length > 0) lines.push(`lost: ${some(lost)}`)
  if (outOfOrder.length > 0) lines.push(`out of order: ${some(outOfOrder)}`)
  if (undeclaredGaps.length > 0) lines.push(`undeclared: ${some(undeclaredGaps)}`)
  return lines.join('\n     ')
}

function some(all: readonly string[]): string {
  return all.slice(0, 5).join('; ')
}
