import { toError } from '../../core/errors.ts'
import { isPromise, type Middleware } from '../handler.ts'
import type { TopicContext } from '../topic-context.ts'

/** What a span is begun with. */
export interface SpanStart {
  /** `process sensors/{sensorId}/state` */
  readonly name: string
  /** The sender's, where the message has it as user property (W3C Trace Context). */
  readonly traceparent: string | undefined
  readonly tracestate: string | undefined
  /** Named as the semantic conventions of OpenTelemetry for messaging have it. */
  readonly attributes: Readonly<Record<string, string | number | boolean>>
}

/** A span, of whatever tracer. */
export interface Span {
  /** Runs what belongs to the span, so that spans begun in it are its children. Default: as it is. */
  run?<T>(work: () => T): T
  /** @param error what the handling failed with. */
  end(error?: Error): void
}

/**
 * Makes a span of the handling of each message.
 * @param start begins one; undefined when this message is not traced.
 */
export function trace(start: (span: SpanStart) => Span | undefined): Middleware {
  return (context, next) => {
    const span = start(startOf(context))
    if (span === undefined) return next()
    const failed = (thrown: unknown): never => {
      span.end(toError(thrown))
      throw thrown
    }
    let result: unknown
    try {
      result = span.run === undefined ? next() : span.run(next)
    } catch (error) {
      return failed(error)
    }
    if (isPromise(result)) return result.then(() => span.end(), failed)
    span.end()
    return result
  }
}

function startOf({ topic, route, message }: TopicContext): SpanStart {
  const { payload, qos, dup, properties } = message
  return {
    name: `process ${route.filter}`,
    traceparent: first(properties.userProperties?.['traceparent']),
    tracestate: first(properties.userProperties?.['tracestate']),
    attributes: {
      'messaging.system': 'mqtt',
      'messaging.operation.type': 'process',
      'messaging.destination.name': topic,
      'messaging.destination.template': route.filter,
      'messaging.message.body.size': payload.length,
      'messaging.mqtt.qos': qos,
      'messaging.mqtt.dup': dup,
    },
  }
}

function first(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'object' ? value[0] : value
}
