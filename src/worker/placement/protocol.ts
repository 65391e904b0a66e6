import type { Claims } from './claims.ts'
import { show } from '../../core/errors.ts'
import { copyOf, errorFromWire, errorToWire, type WireError } from '../../core/wire-error.ts'
import type { KillCause, Usage } from '../../core/telemetry.ts'
import type { Restart } from '../lifecycle.ts'
import type { Placement } from '../status.ts'

/**
 * What a worker in a thread or process and its runner say to each other. Both lines keep the order of messages
 * and lose none while both ends live; whatever cannot be copied is left out before it is sent.
 *
 *     runner   boot ─────────────▶ child    loads the module, makes the worker, sets it up
 *              ◀─── event startup          it is set up, main begins
 *              ◀──── event log usage        as they happen; stopping, when its end has begun
 *              quiet resume message ─────▶
 *              stop ─────────────▶
 *              ◀────────────── ended        the child exits by itself
 *              kill ─────────────▶
 *              ◀──────────── killing        at once, or its loop is blocked; then it exits
 */
export type ToChild =
  | { readonly kind: 'boot'; readonly boot: Boot }
  | { readonly kind: 'stop' | 'quiet' | 'resume' }
  | { readonly kind: 'message'; readonly message: unknown }
  | { readonly kind: 'stalled'; readonly cause: string; readonly forMs: number }
  | { readonly kind: 'kill'; readonly cause: WireCause }

export type FromChild =
  | { readonly kind: 'made'; readonly id: string }
  | { readonly kind: 'stopping' | 'killing' }
  | { readonly kind: 'event'; readonly event: string; readonly value: unknown }
  /** A queue worker in it claims under this owner from now on, or no more. */
  | { readonly kind: 'claims'; readonly claims: Claims; readonly isHeld: boolean }
  | LogLine
  | { readonly kind: 'usage'; readonly usage: Usage; readonly work: Work }
  | { readonly kind: 'ended'; readonly error: WireError | undefined; readonly work: Work }
  /** It could not come to be, or failed outside of its hooks. It exits. */
  | {
      readonly kind: 'failed'
      readonly during: 'load' | 'setup' | 'life'
      readonly error: WireError
      readonly work: Work | undefined
    }

/** A line for the logger on the other side; errors in its fields are packed. */
export interface LogLine {
  readonly kind: 'log'
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: object
  readonly message: string
}

/** Everything that a child is made of. */
export interface Boot {
  readonly placement: Exclude<Placement, 'inline'>
  /** The file that exports the class, as a URL. */
  readonly module: string
  readonly className: string
  readonly name: string
  readonly options: object
  readonly restart: WireRestart | undefined
  /** How often it gives a sign of life, ms. */
  readonly beatMs: number
  /** After so long a blocked loop is a stalled one, ms; Infinity for never. */
  readonly stallMs: number
  readonly isDebug: boolean
}

/** What it has done and has to do. */
export interface Work {
  readonly queueSize: number
  readonly processedCount: number
  readonly errorCount: number
}

export interface WireCause {
  readonly kind: KillCause['kind']
  readonly error: WireError
}

export interface WireRestart {
  readonly cause: WireError | undefined
  readonly restarts: number
}

export function restartToWire({ cause, restarts }: Restart): WireRestart {
  return { cause: cause === undefined ? undefined : errorToWire(cause), restarts }
}

export function restartFromWire({ cause, restarts }: WireRestart): Restart {
  return { cause: cause === undefined ? undefined : errorFromWire(cause), restarts }
}

export function causeToWire({ kind, error }: KillCause): WireCause {
  return { kind, error: errorToWire(error) }
}

export function causeFromWire({ kind, error }: WireCause): KillCause {
  return { kind, error: errorFromWire(error) }
}

/** Marks an error inside a value that crosses. */
const ERROR = '$millhand:error'
const MAX_DEPTH = 6

/** A copy in which errors are data; what cannot be copied, or even looked at, is replaced by a text. */
export function pack(value: unknown): unknown {
  return packAt(value, [])
}

/** @param path the objects that hold this one, from the outside in. */
function packAt(value: unknown, path: readonly object[]): unknown {
  if (typeof value === 'function' || typeof value === 'symbol') return show(value)
  if (typeof value !== 'object' || value === null) return value
  try {
    if (value instanceof Error) return { [ERROR]: errorToWire(value) }
    if (path.includes(value)) return '[circular]'
    if (path.length >= MAX_DEPTH) return '[too deep]'
    const inside = [...path, value]
    if (Array.isArray(value)) return value.map((each) => packAt(each, inside))
    if (isPlain(value)) return mapValues(value, (each) => packAt(each, inside))
    return copyOf(value) ?? show(value)
  } catch {
    return show(value)
  }
}

export function unpack(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(unpack)
  if (!isPlain(value)) return value
  const error = (value as Record<string, unknown>)[ERROR]
  return error === undefined ? mapValues(value, unpack) : errorFromWire(error as WireError)
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function mapValues(value: object, map: (each: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, map(each)]))
}
