import { toMs, type Duration } from './duration.ts'
import { InvalidOptionError, show } from './errors.ts'

/**
 * Options are checked once, at the edge, against a table of rules, and come out complete and frozen:
 *
 *     const rules = { concurrency: integer({ min: 1, default: 5 }), lease: duration({ default: '30s' }) }
 *     const options = checkOptions('QueueWorker', rules, given)   // { concurrency: number, lease: number (ms) }
 */

/** A rule turns what was given into what is used, or throws an InvalidOptionError that names `option`. */
export type Rule<T> = (value: unknown, option: string) => T

export type Checked<Rules extends Record<string, Rule<unknown>>> = {
  readonly [K in keyof Rules]: ReturnType<Rules[K]>
}

/**
 * Checks `given` against `rules`.
 * @param owner whose options they are, for messages.
 * @throws InvalidOptionError for a wrong value, or for an unknown name, with the nearest known one.
 */
export function checkOptions<Rules extends Record<string, Rule<unknown>>>(
  owner: string,
  rules: Rules,
  given: unknown,
): Checked<Rules> {
  if (given !== undefined && (typeof given !== 'object' || given === null || Array.isArray(given))) {
    throw new InvalidOptionError(
      'options',
      `expected the options of ${owner} to be an object, got: ${show(given)}`,
    )
  }
  const values = (given ?? {}) as Record<string, unknown>
  for (const name of Object.keys(values)) {
    if (!Object.hasOwn(rules, name)) throw unknownName(`${owner} option`, name, Object.keys(rules))
  }
  const checked: Record<string, unknown> = {}
  for (const [name, rule] of Object.entries(rules)) checked[name] = rule(values[name], name)
  return Object.freeze(checked) as Checked<Rules>
}

/**
 * The same for a class that users extend with options of their own: a name that is not known is left alone,
 * unless it looks like a misspelling of one that is.
 */
export function checkOwnOptions<Rules extends Record<string, Rule<unknown>>>(
  owner: string,
  rules: Rules,
  given: object,
): Checked<Rules> {
  const known = Object.keys(rules)
  const own: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(given)) {
    if (Object.hasOwn(rules, name)) own[name] = value
    else if (nearest(name, known) !== undefined) throw unknownName(`${owner} option`, name, known)
  }
  return checkOptions(owner, rules, own)
}

/** The error for a name that is not one of `known`, with a guess at what was meant. */
export function unknownName(kind: string, name: string, known: readonly string[]): InvalidOptionError {
  const guess = nearest(name, known)
  const hint = guess === undefined ? `known are: ${known.join(', ') || '(none)'}` : `did you mean "${guess}"?`
  return new InvalidOptionError(name, `unknown ${kind} "${name}"; ${hint}`)
}

/** The known name that is a likely misspelling away from `name`, if any. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  return best
}

/** Levenshtein distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substitution, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}

function fail(option: string, expected: string, value: unknown): never {
  throw new InvalidOptionError(option, `expected ${option} to be ${expected}, got: ${show(value)}`)
}

interface Range {
  readonly min?: number
  readonly max?: number
}

function inRange(value: number, { min = -Infinity, max = Infinity }: Range): boolean {
  return value >= min && value <= max
}

function rangeText({ min, max }: Range): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`
  if (min !== undefined) return ` of at least ${min}`
  return max === undefined ? '' : ` of at most ${max}`
}

export function integer(range: Range & { readonly default: number }): Rule<number> {
  return (value = range.default, option) =>
    Number.isSafeInteger(value) && inRange(value as number, range)
      ? (value as number)
      : fail(option, `an integer${rangeText(range)}`, value)
}

export function number(range: Range & { readonly default: number }): Rule<number> {
  return (value = range.default, option) =>
    typeof value === 'number' && Number.isFinite(value) && inRange(value, range)
      ? value
      : fail(option, `a number${rangeText(range)}`, value)
}

/** A duration, in ms once checked. */
export function duration(options: { readonly default: Duration; readonly min?: Duration }): Rule<number> {
  const min = toMs(options.min ?? 0)
  return (value = options.default, option) => {
    const ms = toMs(value as Duration, option)
    return ms >= min ? ms : fail(option, `a duration of at least ${String(options.min)}`, value)
  }
}

export function boolean(fallback: boolean): Rule<boolean> {
  return (value = fallback, option) =>
    typeof value === 'boolean' ? value : fail(option, 'true or false', value)
}

export function string(options: { readonly default?: string } = {}): Rule<string> {
  return (value = options.default, option) =>
    typeof value === 'string' && value !== '' ? value : fail(option, 'a text that is not empty', value)
}

export function oneOf<const T extends string>(choices: readonly T[], fallback: T): Rule<T> {
  return (value = fallback, option) => {
    if (choices.includes(value as T)) return value as T
    const guess = typeof value === 'string' ? nearest(value, choices) : undefined
    const text = choices.map((choice) => `'${choice}'`).join(' or ')
    fail(option, guess === undefined ? text : `${text} (did you mean '${guess}'?)`, value)
  }
}

/** A value that is only checked by `test`; `expected` completes "expected X to be". */
export function custom<T>(expected: string, test: (value: unknown) => boolean, fallback?: () => T): Rule<T> {
  return (value, option) => {
    if (value === undefined && fallback !== undefined) return fallback()
    return test(value) ? (value as T) : fail(option, expected, value)
  }
}

/** `rule`, or `undefined` when the option was not given. */
export function optional<T>(rule: Rule<T>): Rule<T | undefined> {
  return (value, option) => (value === undefined ? undefined : rule(value, option))
}
