import type { StandardSchemaV1 } from '@standard-schema/spec'
import { InvalidPayloadError, toError, type PayloadIssue } from '../core/errors.ts'
import { unknownName } from '../core/options.ts'

/** The job types of a queue, each with the schema of its payload, of any Standard Schema library. */
export type JobSchemas = Readonly<Record<string, StandardSchemaV1>>

/** The name of a job type of the queue. */
export type TypeOf<S extends JobSchemas> = keyof S & string

/** What `add` takes for a type: the schema's input. */
export type PayloadIn<S extends JobSchemas, T extends TypeOf<S>> = StandardSchemaV1.InferInput<S[T]>

/** What a handler gets for a type: the schema's output, with its defaults and transforms applied. */
export type PayloadOut<S extends JobSchemas, T extends TypeOf<S>> = StandardSchemaV1.InferOutput<S[T]>

/**
 * The payload as the schema gives it back.
 * @returns the value at once when the schema is synchronous, else a promise of it.
 * @throws InvalidPayloadError with the path and reason of every issue.
 */
export function validate(schema: StandardSchemaV1, type: string, payload: unknown): unknown {
  const threw = (cause: unknown): never => {
    const { message } = toError(cause)
    throw new InvalidPayloadError(`the schema of "${type}" jobs threw: ${message}`, [], { cause })
  }
  let result
  try {
    result = schema['~standard'].validate(payload)
  } catch (error) {
    return threw(error)
  }
  if (result instanceof Promise) return result.catch(threw).then((settled) => unwrap(settled, type))
  return unwrap(result, type)
}

function unwrap(result: StandardSchemaV1.Result<unknown>, type: string): unknown {
  if (result.issues === undefined) return result.value
  const issues = result.issues.map((issue): PayloadIssue => ({
    path: pathText(issue.path),
    message: issue.message,
  }))
  const text = issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ')
  throw new InvalidPayloadError(`the payload of a "${type}" job does not match its schema: ${text}`, issues)
}

function pathText(path: StandardSchemaV1.Issue['path']): string {
  let text = ''
  for (const part of path ?? []) {
    const key = typeof part === 'object' ? part.key : part
    if (typeof key === 'number') text += `[${key}]`
    else text += text === '' ? String(key) : `.${String(key)}`
  }
  return text
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
