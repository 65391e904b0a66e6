import type { Measurement } from './case.ts'

export interface RoundsOptions {
  readonly contenders: readonly string[]
  /** How many rounds, if the time suffices for them. */
  readonly rounds: number
  /** No further round is begun that would, by what the longest took so far, end after this time of `now`. */
  readonly until: number
  readonly now: () => number
  readonly measure: (contender: string, round: number) => Promise<Measurement>
}

/**
 * Measures all contenders in each round, forwards in one and backwards in the next, so that whatever drifts on
 * the machine meets them alike. At least one round.
 */
export async function inRounds(options: RoundsOptions): Promise<Map<string, Measurement[]>> {
  const { contenders, rounds, until, now, measure } = options
  const taken = new Map<string, Measurement[]>(contenders.map((name) => [name, []]))
  let longest = 0
  for (let round = 0; round < rounds; round++) {
    const begun = now()
    if (round > 0 && begun + longest > until) break
    const order = round % 2 === 0 ? contenders : contenders.toReversed()
    for (const name of order) taken.get(name)!.push(await measure(name, round))
    longest = Math.max(longest, now() - begun)
  }
  return taken
}
