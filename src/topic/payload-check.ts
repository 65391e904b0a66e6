import type { StandardSchemaV1 } from '@standard-schema/spec'
import { InvalidPayloadError, toError } from '../core/errors.ts'
import { validate, type ValidationTexts } from '../core/validate.ts'

/** A payload that its codec or schema refuses. No other attempt can cure it. */
export class UndecodableError extends InvalidPayloadError {}

const TEXTS: ValidationTexts = {
  schema: (filter) => `the schema of the route "${filter}"`,
  payload: (filter) => `the payload of a message to the route "${filter}"`,
}

/**
 * The payload as the schema gives it back; a promise of it when the schema is asynchronous.
 * @throws UndecodableError when it does not match.
 */
export function checkPayload(schema: StandardSchemaV1, payload: unknown, filter: string): unknown {
  let value: unknown
  try {
    value = validate(schema, payload, filter, TEXTS)
  } catch (error) {
    throw undecodable(error)
  }
  if (!(value instanceof Promise)) return value
  return value.catch((error: unknown) => {
    throw undecodable(error)
  })
}

/** The same error, as one of a payload that is refused. */
export function undecodable(thrown: unknown): UndecodableError {
  if (thrown instanceof UndecodableError) return thrown
  const { message, cause = thrown, issues = [] } = toError(thrown) as Partial<InvalidPayloadError>
  return new UndecodableError(message ?? '', issues, { cause })
}
