/** How many jobs one step of a bulk operation looks at. */
export const STEP = 500

/** Repeats a bounded step until it has seen everything, and sums up. */
export async function inSteps(
  step: (after: { after?: number }) => Promise<{ readonly count: number; readonly next: number | null }>,
): Promise<number> {
  let total = 0
  let after: { after?: number } = {}
  for (;;) {
    const { count, next } = await step(after)
    total += count
    if (next === null) return total
    after = { after: next }
  }
}
