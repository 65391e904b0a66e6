import type { StandardSchemaV1 } from '@standard-schema/spec'
import { unknownName } from '../core/options.ts'
import { validate as validateAs, type ValidationTexts } from '../core/validate.ts'

/** The job types of a queue, each with the schema of its payload, of any Standard Schema library. */
export type JobSchemas = Readonly<Record<string, StandardSchemaV1>>

/** The name of a job type of the queue. */
export type TypeOf<S extends JobSchemas> = keyof S & string

/** What `add` takes for a type: the schema's input. */
export type PayloadIn<S extends JobSchemas, T extends TypeOf<S>> = StandardSchemaV1.InferInput<S[T]>

/** What a handler gets for a type: the schema's output, with its defaults and transforms applied. */
export type PayloadOut<S extends JobSchemas, T extends TypeOf<S>> = StandardSchemaV1.InferOutput<S[T]>

const TEXTS: ValidationTexts = {
  schema: (type) => `the schema of "${type}" jobs`,
  payload: (type) => `the payload of a "${type}" job`,
}

/**
 * The payload as the schema gives it back.
 * @returns the value at once when the schema is synchronous, else a promise of it.
 * @throws InvalidPayloadError with the path and reason of every issue.
 */
export function validate(schema: StandardSchemaV1, type: string, payload: unknown): unknown {
  return validateAs(schema, payload, type, TEXTS)
}

/**
 * The schema of a type; undefined when the queue was made without `jobs`, and takes any.
 * @throws InvalidOptionError for a type that the queue does not have, with the nearest that it has.
 */
export function schemaOf(schemas: JobSchemas | undefined, type: string): StandardSchemaV1 | undefined {
  if (schemas === undefined) return undefined
  const schema = Object.hasOwn(schemas, type) ? schemas[type] : undefined
  if (schema === undefined) throw unknownName('job type', type, Object.keys(schemas))
  return schema
}
