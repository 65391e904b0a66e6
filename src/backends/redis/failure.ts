import { BackendError, MillhandError, toError, UnsupportedError } from '../../core/errors.ts'
import { newer } from './record.ts'

interface Meaning {
  readonly text: string
  readonly retryable: boolean
  /** The connection leads to the wrong server, or will go on failing. */
  readonly renew?: true
}

/** By the first word of what a server answers, https://redis.io/docs/latest/develop/reference/protocol-spec/ */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  WRONGPASS: { text: 'refused the user name or password', retryable: false },
  NOAUTH: { text: 'asks for a password', retryable: false },
  NOPERM: { text: 'does not let this user run what the store needs', retryable: false },
  LOADING: { text: 'is still loading its data', retryable: true },
  READONLY: { text: 'is a replica now and takes no writes', retryable: true, renew: true },
  MASTERDOWN: { text: 'has lost its primary', retryable: true },
  CLUSTERDOWN: { text: 'belongs to a cluster that is down', retryable: true },
  TRYAGAIN: { text: 'is moving the keys of this queue', retryable: true },
  MOVED: { text: 'does not have the keys of this queue any more', retryable: true, renew: true },
  ASK: { text: 'is moving the keys of this queue', retryable: true },
  BUSY: { text: 'is busy with a script', retryable: true },
  NOREPLICAS: { text: 'has too few replicas to take writes', retryable: true },
  OOM: { text: 'has reached its maxmemory; jobs can be settled, but none added', retryable: true },
  MISCONF: { text: 'cannot write to its disk, and takes no writes until it can', retryable: true },
}

/** What a driver threw, as an error to show and to decide by. */
export interface Failure {
  readonly error: Error
  /** The connection is to be made anew. */
  readonly renew: boolean
}

/** @param label names the server, without credentials. */
export function explained(thrown: unknown, label: string): Failure {
  if (thrown instanceof MillhandError) return { error: thrown, renew: false }
  const { message } = toError(thrown)
  // Errors of drivers carry the command with all its arguments, passwords and payloads among them.
  const cause = new Error(message)
  if (message.includes('MILLHAND_NEWER')) return { error: newer(`the queue on ${label}`), renew: false }
  if (message.includes('WRONGTYPE')) {
    const text = `${label} has keys of another program under the names of this store; choose another prefix`
    return { error: new BackendError('BACKEND_FOREIGN', text, { cause }), renew: false }
  }
  if (message.includes('CROSSSLOT') || message.includes('non local key')) {
    return {
      error: new UnsupportedError(`${label} is a cluster, where one call cannot reach two slots`),
      renew: false,
    }
  }
  const known = Object.keys(MEANINGS).find((word) => new RegExp(`(?:^|[\\s-])${word}\\b`).test(message))
  if (known !== undefined) {
    const { text, retryable, renew } = MEANINGS[known]!
    return {
      error: new BackendError('BACKEND_UNAVAILABLE', `${label} ${text} (${message})`, { cause, retryable }),
      renew: renew === true,
    }
  }
  if (isReply(thrown)) {
    const text = `${label} refused a command (${message})`
    return { error: new BackendError('BACKEND_UNAVAILABLE', text, { cause, retryable: false }), renew: false }
  }
  return { error: unreachable(label, message), renew: false }
}

export function unreachable(label: string, why: string): BackendError {
  return new BackendError('BACKEND_UNAVAILABLE', `${label} cannot be reached (${why})`, {
    cause: new Error(why),
  })
}

/** The server itself said no, rather than nothing. */
function isReply(thrown: unknown): boolean {
  // By the names that the classes of the drivers have: ioredis, then node-redis.
  const names = [toError(thrown).name, (thrown as object | undefined)?.constructor?.name]
  return names.some(
    (name) =>
      name === 'ReplyError' || name === 'SimpleError' || name === 'BlobError' || name === 'ErrorReply',
  )
}
