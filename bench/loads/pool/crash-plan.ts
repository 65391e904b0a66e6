export type Crash = 'exit' | 'throw'

/** Which of the tasks take their worker down, and how: one of each `every` in a row, at a place that looks random. */
export function crashPlan(tasks: number, every: number, seed: number = 1): ReadonlyMap<number, Crash> {
  const plan = new Map<number, Crash>()
  const random = generator(seed)
  for (let first = 0; first + every <= tasks; first += every) {
    plan.set(first + Math.floor(random() * every), random() < 0.5 ? 'exit' : 'throw')
  }
  return plan
}

/** mulberry32 (Tommy Ettinger, public domain): the same numbers in each run, 0 to 1. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
