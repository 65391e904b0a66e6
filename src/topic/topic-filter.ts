import { Buffer } from 'node:buffer'
import { InvalidOptionError, show } from '../core/errors.ts'

/** The longest text that MQTT can carry, in bytes of UTF-8 (MQTT-1.5.4). */
const MAX_BYTES = 65_535
const NAME = /^\{([A-Za-z_][A-Za-z0-9_]*)\}$/
/** No filter has more levels. Brokers have such a limit too: mosquitto this one. */
const MAX_LEVELS = 200
/** What captures the levels that `#` stands for. */
export const REST = 'rest'

/** One level of a filter. */
export type Level =
  | { readonly kind: 'literal'; readonly text: string }
  /** `+`, or `{name}` when it has a name. */
  | { readonly kind: 'one'; readonly name: string | undefined }
  /** `#`: this level and all below, and none of them. */
  | { readonly kind: 'rest' }

/** A filter that was read. */
export interface TopicFilter {
  readonly levels: readonly Level[]
  /** As MQTT has it: `{name}` is `+`. */
  readonly mqttFilter: string
}

/**
 * Reads a filter: literal levels, `{name}` and `+` for one level, `#` for all that follow.
 * @throws InvalidOptionError that says what is wrong with it.
 */
export function parseFilter(filter: string): TopicFilter {
  const wrong = (reason: string): never => {
    throw new InvalidOptionError(
      'filter',
      `expected a topic filter such as 'sensors/{id}/state', got ${show(filter)}: ${reason}`,
    )
  }
  const fault = textFault(filter)
  if (fault !== undefined) return wrong(fault)
  if (/^\$(?:share|queue)(?:\/|$)/.test(filter)) {
    return wrong(
      'a shared route is made by the option { shared: true }, and the group is named by the worker',
    )
  }
  const texts = filter.split('/')
  if (texts.length > MAX_LEVELS) {
    return wrong(`it has ${texts.length} levels, and at most ${MAX_LEVELS} are allowed`)
  }
  const names = new Set<string>()
  const levels = texts.map((text, index): Level => {
    if (text === '+') return { kind: 'one', name: undefined }
    if (text === '#')
      return index === texts.length - 1 ? { kind: 'rest' } : wrong("'#' must be the last level")
    if (/[+#]/.test(text)) return wrong(`'+' and '#' must be a level of their own, not ${show(text)}`)
    if (!/[{}]/.test(text)) return { kind: 'literal', text }
    const name = NAME.exec(text)?.[1]
    if (name === undefined)
      return wrong(`a parameter is a level of its own such as {sensorId}, not ${show(text)}`)
    if (name === '__proto__') return wrong('a parameter cannot have the name __proto__')
    if (names.has(name)) return wrong(`the parameter {${name}} is there twice`)
    names.add(name)
    return { kind: 'one', name }
  })
  if (names.has(REST) && levels.at(-1)?.kind === 'rest') {
    return wrong(`'#' is captured as "${REST}", and there is a parameter {${REST}} too`)
  }
  const mqttFilter = levels.map(mqttText).join('/')
  return { levels, mqttFilter }
}

function mqttText(level: Level): string {
  if (level.kind === 'literal') return level.text
  return level.kind === 'one' ? '+' : '#'
}

/**
 * A topic that can be published to.
 * @throws InvalidOptionError naming `option` when it is empty, too long, or has a wildcard or NUL in it.
 */
export function checkTopic(topic: string, option = 'topic'): string {
  const fault =
    typeof topic === 'string' && /[+#]/.test(topic) ? "it has a wildcard ('+' or '#')" : textFault(topic)
  if (fault === undefined) return topic
  throw new InvalidOptionError(option, `expected ${option} to be a topic, got ${show(topic)}: ${fault}`)
}

/**
 * The filter by which all workers of a group share one subscription: `$share/GROUP/FILTER`.
 * @throws InvalidOptionError for a group that is empty, or has '/', '+', '#' or NUL in it.
 */
export function shareFilter(group: string, mqttFilter: string): string {
  const fault = textFault(group) ?? (/[/+#]/.test(group) ? "it has '/', '+' or '#' in it" : undefined)
  if (fault === undefined) return `$share/${group}/${mqttFilter}`
  throw new InvalidOptionError('group', `expected the name of a group, got ${show(group)}: ${fault}`)
}

function textFault(text: string): string | undefined {
  if (typeof text !== 'string' || text === '') return 'it is empty'
  if (text.includes('\0')) return 'it has a NUL in it'
  if (!text.isWellFormed()) return 'it has half of a surrogate pair in it, which UTF-8 cannot say'
  const bytes = text.length * 3 > MAX_BYTES ? Buffer.byteLength(text) : 0
  return bytes > MAX_BYTES ? `it has ${bytes} bytes, and MQTT allows ${MAX_BYTES}` : undefined
}
