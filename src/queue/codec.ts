import { InvalidPayloadError, type PayloadIssue } from '../core/errors.ts'
import type { Encoded } from './job.ts'

/** Turns payloads and results into what a store keeps, and back. The store notes the codec's name with them. */
export interface Codec {
  /** Stored with each job. A job whose codec a worker does not know is held back, not failed. */
  readonly name: string
  encode(value: unknown): Encoded
  decode(encoded: Encoded): unknown
}

/**
 * JSON, but strict: what would come back as something else (a function, a symbol, NaN, a Map, a bigint, a
 * cycle) is refused with the path where it is. `undefined` properties are left out, `toJSON` is honoured.
 */
export const jsonCodec: Codec = {
  name: 'json',
  encode(value) {
    const text = stringify(value)
    if (text === undefined) throw unserialisable('', value === undefined ? 'undefined' : typeof value)
    return text
  },
  decode: (encoded) => JSON.parse(typeof encoded === 'string' ? encoded : new TextDecoder().decode(encoded)),
}

function stringify(value: unknown): string | undefined {
  try {
    const issue = findIssue(value, '', [])
    if (issue !== undefined) throw unserialisable(issue.path, issue.message)
    return JSON.stringify(value)
  } catch (error) {
    if (error instanceof InvalidPayloadError) throw error
    // A getter or toJSON that throws, or that gives what JSON cannot hold.
    throw new InvalidPayloadError(`expected the payload to be JSON: ${String(error)}`, [], { cause: error })
  }
}

/** Nothing sensible is nested deeper, and a walk without end must not be possible. */
const MAX_DEPTH = 200

/** The first value that JSON would drop or change. `above` holds the objects that `value` is inside of. */
function findIssue(value: unknown, path: string, above: object[]): PayloadIssue | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined
    case 'undefined':
      return undefined
    case 'number':
      return Number.isFinite(value) ? undefined : { path, message: String(value) }
    case 'bigint':
    case 'function':
    case 'symbol':
      return { path, message: `a ${typeof value}` }
    case 'object':
      break
  }
  if (value === null) return undefined
  if (above.includes(value)) return { path, message: 'a cycle' }
  if (above.length >= MAX_DEPTH) return { path, message: `an object nested more than ${MAX_DEPTH} deep` }
  const alien = alienKind(value)
  if (alien !== undefined) return { path, message: alien }
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return undefined
  above.push(value)
  const issue = Array.isArray(value) ? issueInArray(value, path, above) : issueInObject(value, path, above)
  above.pop()
  return issue
}

function issueInArray(value: readonly unknown[], path: string, above: object[]): PayloadIssue | undefined {
  for (let index = 0; index < value.length; index++) {
    const inner = value[index]
    if (typeof inner === 'string') continue
    if (inner === undefined) return { path: `${path}[${index}]`, message: 'undefined' }
    const issue = findIssue(inner, `${path}[${index}]`, above)
    if (issue !== undefined) return issue
  }
  return undefined
}

/** What an object is, when JSON would make something else of it; a Buffer too, although it has a toJSON. */
function alienKind(value: object): string | undefined {
  if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype) return undefined
  if (value instanceof Promise) return 'a Promise (is an await missing?)'
  if (value instanceof Error) return 'an Error'
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid Date' : undefined
  if (ArrayBuffer.isView(value) || ALIENS.some((kind) => value instanceof kind)) {
    return `a ${value.constructor.name}`
  }
  return undefined
}

const ALIENS = [Map, Set, WeakMap, WeakSet, ArrayBuffer, RegExp]

function issueInObject(value: object, path: string, above: object[]): PayloadIssue | undefined {
  for (const key in value) {
    const inner = (value as Record<string, unknown>)[key]
    // Plain values need no path; building one for each would double the cost.
    if (typeof inner === 'string' || typeof inner === 'boolean') continue
    const issue = findIssue(inner, path === '' ? key : `${path}.${key}`, above)
    // What is only inherited is no part of the JSON.
    if (issue !== undefined && Object.hasOwn(value, key)) return issue
  }
  return undefined
}

function unserialisable(path: string, what: string): InvalidPayloadError {
  const where = path === '' ? 'the payload' : `payload.${path}`.replace('.[', '[')
  return new InvalidPayloadError(
    `expected ${where} to be JSON, got: ${what}; send a plain value and rebuild it in the handler`,
    [{ path, message: what }],
  )
}

/** The size of an encoded value in bytes; exact only above `limit`, where it matters. */
export function encodedBytes(encoded: Encoded, limit: number): number {
  if (typeof encoded !== 'string') return encoded.byteLength
  // UTF-8 needs at most three bytes for a UTF-16 unit.
  return encoded.length * 3 <= limit ? encoded.length : Buffer.byteLength(encoded)
}
