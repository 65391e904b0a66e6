import { BackendError, MillhandError, toError } from '../../core/errors.ts'

/** A statement that the connection should know is unknown, or known otherwise: connections are shared out by a pooler. */
export function isForgotten(error: unknown): boolean {
  const code = codeOf(error)
  return code === '26000' || code === '42P05'
}

/** Nothing has happened, and the same again at once may work: a deadlock, or a change that was too fast. */
export function isCollision(error: unknown): boolean {
  const code = codeOf(error)
  return code === '40001' || code === '40P01'
}

/** A connection of the driver's own pool has not answered in time. */
export function isLate(error: unknown): boolean {
  return error instanceof Error && error.message === 'Query read timeout'
}

/** What the driver or the server said, and whether it is worth a repetition. Never shows credentials. */
export function explained(thrown: unknown, label: string, hide: readonly string[] = []): Error {
  if (thrown instanceof MillhandError) return thrown
  const cause = withoutSecrets(toError(thrown), hide)
  const because = (text: string, retryable: boolean): BackendError =>
    new BackendError('BACKEND_UNAVAILABLE', `${text} (${cause.message})`, { cause, retryable })
  const code = codeOf(thrown)
  switch (code ?? '') {
    case '28P01':
    case '28000':
      return because(`${label} refuses the user or the password; look at the URL and at pg_hba.conf`, false)
    case '3D000':
      return because(`${label} does not exist; create the database first, or look at the URL`, false)
    case '42501':
      return because(
        `the user of ${label} has not the rights that it needs; see "Roles" in the guide of the Postgres store`,
        false,
      )
    case '53300':
      return because(
        `${label} has no connection left; raise max_connections, or lower the connections of its clients`,
        true,
      )
    case '53100':
      return because(
        `the disk of ${label} is full; what was accepted is safe, nothing new is until there is space`,
        true,
      )
    case '25006':
      return because(
        `${label} is read-only now, as a replica is; it is tried again on a new connection`,
        true,
      )
    case '42P01':
    case '42883':
    case '3F000':
    case '42703':
    case '42704':
      return because(
        `${label} has not the schema that was there when it was opened; was it dropped or restored?`,
        false,
      )
  }
  if (code !== undefined && /^[0-9A-Z]{5}$/.test(code)) {
    // 08 connection, 40 rolled back, 53 resources, 55 in use, 57 operator, 58 system, XX internal.
    const retryable = /^(?:08|40|53|55|57|58)/.test(code)
    return because(`${label} answered with an error`, retryable)
  }
  return because(`${label} cannot be reached`, true)
}

/** True for errors after which a connection is worth nothing. */
export function endsConnection(error: unknown): boolean {
  const code = codeOf(error)
  return code === undefined || code === '25006' || code.startsWith('57P') || !/^[0-9A-Z]{5}$/.test(code)
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : undefined
}

/** A copy without what the driver attaches to its errors, which may be parts of jobs or of the URL. */
function withoutSecrets(error: Error, hide: readonly string[]): Error {
  // What a dual-stack connection attempt throws says nothing itself.
  const inner = error instanceof AggregateError ? toError(error.errors[0]) : error
  let message = inner.message === '' ? (codeOf(error) ?? 'no answer') : inner.message
  for (const secret of hide) if (secret !== '') message = message.replaceAll(secret, '***')
  const clean = Object.assign(new Error(message), { code: codeOf(error) })
  clean.name = error.name
  return clean
}
