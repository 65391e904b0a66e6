import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Middleware } from '../handler.ts'
import { checkPayload } from '../payload-check.ts'

/**
 * Checks the payloads of all routes of a router or group, such as the envelope that they share, beside the schema that
 * each route may have. What the schema gives back is the payload from there on.
 * @param schema of any Standard Schema library. A message that does not match goes to the dead letters.
 */
export function validate(schema: StandardSchemaV1): Middleware {
  return (context, next) => {
    const value = checkPayload(schema, context.payload, context.route.filter)
    if (value instanceof Promise) {
      return value.then((settled: unknown) => {
        context.payload = settled
        return next()
      })
    }
    context.payload = value
    return next()
  }
}
