import { builtin } from './builtin.ts'
import * as errors from './errors.ts'
import { show, toError } from './errors.ts'

/**
 * Errors as plain data, for a line to another thread or process. Structured clone would drop the class, the code
 * and every other field of an error; here they arrive, the cause and the stack of the place that threw included.
 */
export interface WireError {
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  /** True for an error of Millhand, also where its class is not known on the other side. */
  readonly isOurs?: true
  /** Own fields that can be copied: `code`, `errno`, `issues`. */
  readonly fields: Readonly<Record<string, unknown>>
  readonly cause?: Wire
  /** Of an AggregateError. */
  readonly errors?: readonly Wire[]
}

/** An error, or any other value that was thrown or is a cause. */
export type Wire = { readonly error: WireError } | { readonly value: unknown }

/** Causes deeper than this are cut off, which also ends those that go round in a circle. */
const MAX_DEPTH = 8
/** Of an AggregateError, so many are kept. */
const MAX_ERRORS = 100

/** @param thrown anything; what is not an Error becomes one. Never throws. */
export function errorToWire(thrown: unknown): WireError {
  try {
    return encode(toError(thrown), 0)
  } catch {
    // A getter or a proxy trap that throws.
    return { name: 'Error', message: show(thrown), stack: undefined, fields: {} }
  }
}

function encode(error: Error, depth: number): WireError {
  const { name, message, stack, cause } = error
  const inner = (error as Partial<AggregateError>).errors
  return {
    name: textOf(name),
    message: textOf(message),
    stack: typeof stack === 'string' ? stack : undefined,
    ...(error instanceof errors.MillhandError && { isOurs: true }),
    fields: fieldsOf(error),
    ...(cause === undefined || depth >= MAX_DEPTH ? {} : { cause: encodeAny(cause, depth + 1) }),
    ...(Array.isArray(inner) && depth < MAX_DEPTH
      ? { errors: inner.slice(0, MAX_ERRORS).map((each) => encodeAny(each, depth + 1)) }
      : {}),
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : show(value)
}

function encodeAny(value: unknown, depth: number): Wire {
  return value instanceof Error ? { error: encode(value, depth) } : { value: copyable(value) }
}

function fieldsOf(error: Error): Record<string, unknown> {
  const own = Object.entries(error).filter(
    ([key, value]) => key !== 'cause' && key !== 'errors' && typeof value !== 'function',
  )
  // A DOMException has its code from its class.
  const { code } = error as NodeJS.ErrnoException
  const inherited = code === undefined || Object.hasOwn(error, 'code') ? [] : [['code', code] as const]
  return Object.fromEntries([...own, ...inherited].map(([key, value]) => [key, copyable(value)]))
}

/** The value itself where it can be copied, a text of it where it cannot. */
function copyable(value: unknown): unknown {
  if (typeof value === 'function' || typeof value === 'symbol') return show(value)
  if (typeof value !== 'object' || value === null) return value
  return copyOf(value) ?? show(value)
}

/** @returns what of a value crosses both kinds of line; undefined when it does not. */
export function copyOf(value: object): unknown {
  try {
    return builtin.v8.deserialize(builtin.v8.serialize(value))
  } catch {
    return undefined
  }
}

/** The error again, of its own class where that is one of ours or of the language. */
export function errorFromWire(wire: WireError): Error {
  const options = wire.cause === undefined ? undefined : { cause: fromWire(wire.cause) }
  const error = new Error(wire.message, options)
  Object.setPrototypeOf(error, prototypeOf(wire))
  if (error.name !== wire.name) hide(error, 'name', wire.name)
  hide(error, 'stack', wire.stack ?? `${wire.name}: ${wire.message}`)
  if (wire.errors !== undefined) hide(error, 'errors', wire.errors.map(fromWire))
  for (const [key, value] of Object.entries(wire.fields)) {
    Object.defineProperty(error, key, { value, writable: true, configurable: true, enumerable: true })
  }
  return error
}

function fromWire(wire: Wire): unknown {
  return 'error' in wire ? errorFromWire(wire.error) : wire.value
}

function prototypeOf({ name, isOurs }: WireError): object {
  const ours = (errors as Record<string, unknown>)[name]
  const found = ours ?? (globalThis as Record<string, unknown>)[name]
  const isError = typeof found === 'function' && (found === Error || found.prototype instanceof Error)
  if (isError) return found.prototype as object
  return isOurs === true ? errors.MillhandError.prototype : Error.prototype
}

/** As errors have theirs: there, but not among the keys. */
function hide(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, writable: true, configurable: true, enumerable: false })
}
