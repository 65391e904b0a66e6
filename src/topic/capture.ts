import { REST, type Level } from './topic-filter.ts'
import type { TopicReader } from './topic-reader.ts'

/** A parameter, and the level that it stands for. */
export interface Capture {
  readonly name: string
  readonly level: number
  /** And for all below it. */
  readonly rest: boolean
}

/** The parameters of a filter from left to right; `#` is the last, and its name is `rest`. */
function capturesOf(levels: readonly Level[]): readonly Capture[] {
  return levels.flatMap((each, level): Capture[] => {
    if (each.kind === 'rest') return [{ name: REST, level, rest: true }]
    return each.kind === 'one' && each.name !== undefined ? [{ name: each.name, level, rest: false }] : []
  })
}

/** The same for many filters: those that capture alike share what they are told by, so that it stays in the cache. */
export function capturesOfAll(filters: readonly (readonly Level[])[]): readonly (readonly Capture[])[] {
  const known = new Map<string, readonly Capture[]>()
  return filters.map((levels) => {
    const captures = capturesOf(levels)
    const key = captures.map(({ name, level, rest }) => `${level} ${rest} ${name}`).join('/')
    if (!known.has(key)) known.set(key, captures)
    return known.get(key)!
  })
}

/**
 * What a topic that matches the filter has in these places. `rest` is all that follows, and an empty text where
 * nothing does: `a` matches `a/#` too.
 */
export function capture(
  captures: readonly Capture[],
  topic: string,
  reader: TopicReader,
): Readonly<Record<string, string>> {
  reader.read(topic)
  const params: Record<string, string> = {}
  for (let index = 0; index < captures.length; index++) {
    const { name, level, rest } = captures[index]!
    if (!rest) params[name] = topic.slice(reader.starts[level], reader.ends[level])
    else params[name] = level < reader.count ? topic.slice(reader.starts[level]) : ''
  }
  return params
}
