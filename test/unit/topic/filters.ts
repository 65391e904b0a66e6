import fc from 'fast-check'

/** Few texts, so that filters and topics meet. */
const text = fc.constantFrom('a', 'b', '', '$x', 'Aa', 'BB', 'ä😀')
const level = fc.oneof({ weight: 3, arbitrary: text }, { weight: 2, arbitrary: fc.constant('+') })

export const topics: fc.Arbitrary<string> = fc
  .array(text, { minLength: 1, maxLength: 5 })
  .map((levels) => levels.join('/'))
  .filter((topic) => topic !== '')

export const filters: fc.Arbitrary<string> = fc
  .tuple(fc.array(level, { minLength: 0, maxLength: 4 }), fc.boolean())
  .map(([levels, rest]) => (rest ? [...levels, '#'] : levels).join('/'))
  .filter((filter) => filter !== '')

/** The words of the specification, level by level. */
export function matches(filter: string, topic: string): boolean {
  const [wanted, levels] = [filter.split('/'), topic.split('/')]
  if (topic.startsWith('$') && /^[+#]/.test(filter)) return false
  for (const [index, each] of wanted.entries()) {
    if (each === '#') return true
    if (index >= levels.length || (each !== '+' && each !== levels[index])) return false
  }
  return wanted.length === levels.length
}

/** Level by level: a literal, `+`, `#`; what ends before what goes on. */
export function bySpecificity(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')]
  const rank = (each: string | undefined): number =>
    each === undefined ? -1 : each === '+' ? 1 : each === '#' ? 2 : 0
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = rank(left[index]) - rank(right[index])
    if (difference !== 0) return difference
  }
  return 0
}
