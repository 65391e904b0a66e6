/** Every error that Millhand throws, with a fixed `code` to test for. */

/** What went wrong, as a stable string. Messages may change between versions, codes do not. */
export type ErrorCode =
  | 'INVALID_OPTION'
  | 'INVALID_STATE'
  | 'INVALID_PAYLOAD'
  | 'PAYLOAD_TOO_LARGE'
  | 'UNKNOWN_JOB_TYPE'
  | 'NON_RETRYABLE'
  | 'QUEUE_FULL'
  | 'JOB_TIMEOUT'
  | 'JOB_CANCELLED'
  | 'JOB_CRASHED'
  | 'JOB_EXPIRED'
  | 'LEASE_LOST'
  | 'SHUTDOWN'
  | 'UNSUPPORTED'
  | 'BACKEND_UNAVAILABLE'
  | 'BACKEND_CORRUPT'
  | 'BACKEND_FOREIGN'
  | 'BACKEND_NEWER'
  | 'DRIVER_MISSING'
  | 'NOT_FOUND'
  | 'MODULE_LOAD'
  | 'WORKER_EXITED'
  | 'WORKER_STALLED'
  | 'START_TIMEOUT'
  | 'MEMORY_LIMIT'
  | 'NOT_COPYABLE'
  | 'TASK_CANCELLED'
  | 'TASK_TIMEOUT'
  | 'TASK_POISON'
  | 'POOL_FULL'
  | 'POOL_CLOSED'
  | 'CONFIG'
  | 'BROKER_UNAVAILABLE'
  | 'BROKER_REFUSED'
  | 'CLIENT_TAKEN_OVER'
  | 'PROTOCOL'
  | 'PUBLISH_FULL'
  | 'REQUEST_TIMEOUT'
  | 'ACK_TIMEOUT'

/** The base class of all errors of this library. */
export class MillhandError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** An option has a value that it cannot have. The message names the option, the value and what was expected. */
export class InvalidOptionError extends MillhandError {
  readonly option: string

  constructor(option: string, message: string, options?: ErrorOptions) {
    super('INVALID_OPTION', message, options)
    this.option = option
  }
}

/** Something was asked for at a moment when it cannot be done: a second start, an add after close. */
export class StateError extends MillhandError {
  constructor(message: string) {
    super('INVALID_STATE', message)
  }
}

/** One reason why a payload was refused, with the path of the value inside it. */
export interface PayloadIssue {
  /** Where, as `user.emails[0]`; empty for the payload itself. */
  readonly path: string
  readonly message: string
}

/** A payload does not match the schema of its job type, or cannot be stored as JSON. Never retried. */
export class InvalidPayloadError extends MillhandError {
  readonly issues: readonly PayloadIssue[]

  constructor(message: string, issues: readonly PayloadIssue[] = [], options?: ErrorOptions) {
    super('INVALID_PAYLOAD', message, options)
    this.issues = issues
  }
}

/** Thrown by a handler to say: do not try again. The job is dead-lettered at once. */
export class NonRetryableError extends MillhandError {
  constructor(message: string, options?: ErrorOptions) {
    super('NON_RETRYABLE', message, options)
  }
}

/** The queue holds `maxLength` unfinished jobs and its policy is to reject. */
export class QueueFullError extends MillhandError {
  constructor(message: string) {
    super('QUEUE_FULL', message)
  }
}

/** The handler did not settle within its timeout. The attempt counts as failed. */
export class JobTimeoutError extends MillhandError {
  constructor(message: string) {
    super('JOB_TIMEOUT', message)
  }
}

/** The reason of a handler's aborted signal when its job was cancelled. */
export class JobCancelledError extends MillhandError {
  constructor(message: string) {
    super('JOB_CANCELLED', message)
  }
}

/** The reason of a handler's aborted signal when its lease was lost: another worker may run the job now. */
export class LeaseLostError extends MillhandError {
  constructor(message: string) {
    super('LEASE_LOST', message)
  }
}

/** The reason of a handler's aborted signal when its worker must end before the handler did. */
export class ShutdownError extends MillhandError {
  constructor(message: string) {
    super('SHUTDOWN', message)
  }
}

/** The chosen backend or placement cannot do what was asked. Nothing falls back in silence. */
export class UnsupportedError extends MillhandError {
  constructor(message: string) {
    super('UNSUPPORTED', message)
  }
}

/** The store cannot be used: locked for too long, full, read-only, corrupt, foreign, or gone. */
export class BackendError extends MillhandError {
  /** True when trying the same call again later may succeed. */
  readonly retryable: boolean

  constructor(
    code: Extract<ErrorCode, `BACKEND_${string}` | 'DRIVER_MISSING'>,
    message: string,
    options: ErrorOptions & { retryable?: boolean } = {},
  ) {
    super(code, message, options)
    this.retryable = options.retryable ?? code === 'BACKEND_UNAVAILABLE'
  }
}

/** The thread or process of a worker ended although nobody asked it to. */
export class WorkerExitError extends MillhandError {
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined
  readonly signal: string | undefined

  constructor(
    message: string,
    options: ErrorOptions & {
      readonly exitCode?: number | undefined
      readonly signal?: string | undefined
    } = {},
  ) {
    super('WORKER_EXITED', message, options)
    this.exitCode = options.exitCode
    this.signal = options.signal
  }
}

/** Anything that was thrown, as an Error: `throw undefined`, `throw 'text'` and hostile objects included. */
export function toError(thrown: unknown): Error {
  try {
    if (thrown instanceof Error) return thrown
    if (typeof thrown === 'object' && thrown !== null && 'message' in thrown) {
      return new Error(String(thrown.message), { cause: thrown })
    }
  } catch {
    // A getter or a proxy trap that throws: it is shown below as far as it can be.
  }
  return new Error(`a value that is not an Error was thrown: ${show(thrown)}`, { cause: thrown })
}

/** A short, safe text of any value for error messages; never throws, never longer than about 80 characters. */
export function show(value: unknown): string {
  let text: string
  try {
    if (typeof value === 'string') text = JSON.stringify(value)
    else if (typeof value === 'bigint') text = `${value}n`
    else if (typeof value === 'function') text = `function ${value.name || '(anonymous)'}`
    else if (typeof value === 'object' && value !== null) text = JSON.stringify(value) ?? kind(value)
    else text = String(value)
  } catch {
    text = kind(value)
  }
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

/** `[object Date]`: all that is left when a value's own methods cannot be trusted. */
function kind(value: unknown): string {
  try {
    return Object.prototype.toString.call(value)
  } catch {
    return `[${typeof value}]`
  }
}
