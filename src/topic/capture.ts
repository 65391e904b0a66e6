import { REST, type Level } from './topic-filter.ts'

/** A parameter, and the level that it stands for. */
export interface Capture {
  readonly name: string
  readonly level: number
  /** And for all below it. */
  readonly rest: boolean
}

const SLASH = 47

/** The parameters of a filter from left to right; `#` is the last, and its name is `rest`. */
export function capturesOf(levels: readonly Level[]): readonly Capture[] {
  return levels.flatMap((each, level) => {
    if (each.kind === 'rest') return [{ name: REST, level, rest: true }]
    return each.kind === 'one' && each.name !== undefined ? [{ name: each.name, level, rest: false }] : []
  })
}

/**
 * What a topic that matches the filter has in these places. `rest` is all that follows, and an empty text where
 * nothing does: `a` matches `a/#` too.
 */
export function capture(captures: readonly Capture[], topic: string): Readonly<Record<string, string>> {
  const params: Record<string, string> = {}
  const { length } = topic
  let at = 0
  let level = 0
  for (let index = 0; index < captures.length; index++) {
    const { name, level: wanted, rest } = captures[index]!
    while (level < wanted && at <= length) {
      if (at === length || topic.charCodeAt(at) === SLASH) level++
      at++
    }
    const start = at
    if (rest) at = length
    else while (at < length && topic.charCodeAt(at) !== SLASH) at++
    params[name] = topic.slice(start, at)
  }
  return params
}
