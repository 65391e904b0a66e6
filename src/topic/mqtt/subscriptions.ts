import { InvalidOptionError, show } from '../../core/errors.ts'
import { integer, oneOf } from '../../core/options.ts'
import type { Qos } from '../message.ts'
import type { RetainedPolicy } from '../route-options.ts'
import { parseFilter, shareFilter } from '../topic-filter.ts'
import { MqttError, reasonText } from './mqtt-error.ts'
import type { AnswerPacket, SubscribeEntry } from './packets.ts'

/** What is to be heard. */
export interface Subscription {
  /** As the broker has it: `sensors/+/state`, `$share/group/jobs/#`. */
  readonly filter: string
  /** Default 1. */
  readonly qos?: Qos
  /** Default `'new'`, and `'never'` for shared ones. */
  readonly retained?: RetainedPolicy
  /** Arrives with each message that came by this subscription, where the broker can (MQTT 5): 1 to 268,435,455. */
  readonly id?: number
}

/** A subscription, checked. */
export interface Subscribed {
  readonly filter: string
  /** Without `$share/GROUP/`. */
  readonly levels: readonly string[]
  readonly qos: Qos
  readonly retained: RetainedPolicy
  readonly id: number | undefined
  /** Whether the broker has granted it once. */
  wasGranted: boolean
  /** Whether the broker's kept messages are wanted on the present connection. */
  wantsRetained: boolean
}

/** Some of them, as one SUBSCRIBE. */
export interface SubscribeBatch {
  readonly all: readonly Subscribed[]
  readonly entries: readonly SubscribeEntry[]
  readonly id: number | undefined
}

/** As many filters as one SUBSCRIBE may have with brokers that have a limit (AWS IoT Core: 8). */
const BATCH = 8
const MAX_ID = 268_435_455
const RETAIN_HANDLING = { always: 0, new: 1, never: 2 } as const

/** The filter as the broker knows it. @throws InvalidOptionError */
export function brokerFilter(filter: string): string {
  const [, group, rest] = /^\$share\/([^/]*)\/([^]*)$/.exec(filter) ?? []
  if (group === undefined || rest === undefined) return parseFilter(filter).mqttFilter
  return shareFilter(group, parseFilter(rest).mqttFilter)
}

/** What this connection is subscribed to, or is to be as soon as it is connected. */
export class Subscriptions {
  readonly #all = new Map<string, Subscribed>()
  readonly #isV5: boolean
  /** False while all want all, which saves looking. */
  #isSelective = false

  constructor(isV5: boolean) {
    this.#isV5 = isV5
  }

  /** Takes them in. @throws InvalidOptionError, and takes none. */
  add(given: readonly Subscription[]): Subscribed[] {
    const checked = given.map((each) => this.#check(each))
    for (const each of checked) this.#all.set(each.filter, each)
    return checked
  }

  /** @returns the filters as the broker knows them. */
  remove(filters: readonly string[]): string[] {
    const names = filters.map(brokerFilter)
    for (const name of names) this.#all.delete(name)
    return names
  }

  get all(): readonly Subscribed[] {
    return [...this.#all.values()]
  }

  /** The packets that subscribe. One with an id has its own, since the id is of the packet. */
  batches(subscribed: readonly Subscribed[], sessionPresent: boolean): SubscribeBatch[] {
    const batches: { all: Subscribed[]; entries: SubscribeEntry[]; id: number | undefined }[] = []
    for (const each of subscribed) {
      // What MQTT 5 is told by its retain handling, 3.1.1 is to be spared after the fact.
      const isKnown = sessionPresent && each.wasGranted
      each.wantsRetained = each.retained === 'always' || (each.retained === 'new' && (this.#isV5 || !isKnown))
      const id = this.#isV5 ? each.id : undefined
      let last = batches.at(-1)
      if (last === undefined || last.id !== id || last.all.length === BATCH) {
        last = { all: [], entries: [], id }
        batches.push(last)
      }
      last.all.push(each)
      last.entries.push(this.#entry(each))
    }
    this.#isSelective = this.all.some((each) => !each.wantsRetained)
    return batches
  }

  /** Notes what the broker has granted. @returns what is to be said of it. */
  granted(batch: SubscribeBatch, answer: AnswerPacket): { refused?: MqttError; downgraded?: MqttError } {
    const refused: string[] = []
    const downgraded: string[] = []
    let reasonCode: number | undefined
    for (const [index, each] of batch.all.entries()) {
      const code = answer.granted?.[index] ?? 0x80
      if (code >= 0x80) {
        refused.push(`${show(each.filter)}: ${reasonText(code)}`)
        reasonCode ??= code
        continue
      }
      each.wasGranted = true
      if (code < each.qos) downgraded.push(`${show(each.filter)} with QoS ${code} instead of ${each.qos}`)
    }
    const said = answer.properties?.reasonString
    const why = said === undefined ? '' : ` (${said})`
    return {
      ...(refused.length === 0
        ? {}
        : {
            refused: new MqttError(
              'BROKER_REFUSED',
              `the broker refused to subscribe ${refused.join(', ')}${why}`,
              { reasonCode },
            ),
          }),
      ...(downgraded.length === 0
        ? {}
        : { downgraded: new MqttError('BROKER_REFUSED', `the broker grants ${downgraded.join(', ')}`) }),
    }
  }

  /** True for a message that the broker had kept when no subscription that takes its topic wants such. */
  isUnwanted(topic: string): boolean {
    if (!this.#isSelective) return false
    const levels = topic.split('/')
    let isTaken = false
    for (const each of this.#all.values()) {
      if (!takes(each.levels, levels)) continue
      if (each.wantsRetained) return false
      isTaken = true
    }
    return isTaken
  }

  #check({ filter, qos, retained, id }: Subscription): Subscribed {
    const name = brokerFilter(filter)
    const isShared = name.startsWith('$share/')
    if (id !== undefined) integer({ min: 1, max: MAX_ID, default: 1 })(id, 'id')
    const checked = integer({ min: 0, max: 2, default: 1 })(qos, 'qos') as Qos
    const policy = oneOf(['new', 'always', 'never'], isShared ? 'never' : 'new')(retained, 'retained')
    if (isShared && policy === 'always') {
      throw new InvalidOptionError(
        'retained',
        `expected retained of the shared subscription ${show(name)} to be 'new' or 'never', got: 'always', which gives each worker a copy`,
      )
    }
    const levels = name.split('/').slice(isShared ? 2 : 0)
    const wasGranted = this.#all.get(name)?.wasGranted ?? false
    return { filter: name, levels, qos: checked, retained: policy, id, wasGranted, wantsRetained: true }
  }

  #entry({ filter, qos, retained }: Subscribed): SubscribeEntry {
    if (!this.#isV5) return { topic: filter, qos }
    // Not as published: the flag then says only whether the broker had kept it.
    return { topic: filter, qos, nl: false, rap: false, rh: RETAIN_HANDLING[retained] }
  }
}

/** Whether a filter takes a topic. */
function takes(filter: readonly string[], topic: readonly string[]): boolean {
  for (const [index, level] of filter.entries()) {
    if (index === 0 && topic[0]!.startsWith('$') && (level === '+' || level === '#')) return false
    if (level === '#') return true
    if (index >= topic.length || (level !== '+' && level !== topic[index])) return false
  }
  return filter.length === topic.length
}
