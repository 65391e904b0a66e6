import type { StandardSchemaV1 } from '@standard-schema/spec'
import { InvalidPayloadError, toError, type PayloadIssue } from './errors.ts'

/** How the two failures of a schema are told, given the name of what it belongs to. */
export interface ValidationTexts {
  /** Before ` threw: ...` */
  schema(name: string): string
  /** Before ` does not match its schema: ...` */
  payload(name: string): string
}

/**
 * The payload as the schema gives it back.
 * @returns the value at once when the schema is synchronous, else a promise of it.
 * @throws InvalidPayloadError with the path and reason of every issue.
 */
export function validate(
  schema: StandardSchemaV1,
  payload: unknown,
  name: string,
  texts: ValidationTexts,
): unknown {
  const threw = (cause: unknown): never => {
    const { message } = toError(cause)
    throw new InvalidPayloadError(`${texts.schema(name)} threw: ${message}`, [], { cause })
  }
  let result
  try {
    result = schema['~standard'].validate(payload)
  } catch (error) {
    return threw(error)
  }
  if (result instanceof Promise) {
    return result.catch(threw).then((settled) => unwrap(settled, name, texts))
  }
  return unwrap(result, name, texts)
}

function unwrap(result: StandardSchemaV1.Result<unknown>, name: string, texts: ValidationTexts): unknown {
  if (result.issues === undefined) return result.value
  const issues = result.issues.map((issue): PayloadIssue => ({
    path: pathText(issue.path),
    message: issue.message,
  }))
  const text = issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ')
  throw new InvalidPayloadError(`${texts.payload(name)} does not match its schema: ${text}`, issues)
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
