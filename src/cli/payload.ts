import type { Readable } from 'node:stream'
import { InvalidPayloadError, MillhandError } from '../core/errors.ts'
import { jsonError } from './json-error.ts'
import { printable } from './printable.ts'

/** More cannot become a payload, whatever is in it; it keeps a wrong pipe from filling the memory. */
const MAX_BYTES = 64 * 1024 * 1024

/** The payload that was typed, or that comes through standard input for `-`; null when there is none. */
export async function readPayload(text: string | undefined, stdin: Readable): Promise<unknown> {
  if (text === undefined) return null
  return text === '-'
    ? parsePayload(await readAll(stdin), 'standard input')
    : parsePayload(text, 'the payload')
}

/**
 * @param what names the text in messages.
 * @throws InvalidPayloadError with the place where it stops being JSON, or for a number that would be changed.
 */
export function parsePayload(text: string, what: string): unknown {
  const error = jsonError(text)
  if (error !== undefined) {
    const found = error.found === '' ? 'its end' : printable(error.found)
    throw new InvalidPayloadError(
      `expected ${what} to be JSON; at line ${error.line}, column ${error.column} expected ${error.expected}, got: ${found}`,
    )
  }
  return JSON.parse(text, refuseInexact)
}

/** JSON has integers that a JavaScript number cannot hold; the job would carry another one than was written. */
function refuseInexact(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source
  if (typeof value !== 'number' || source === undefined) return value
  const isInexact = /^-?\d+$/.test(source) && !Number.isSafeInteger(value)
  if (!isInexact && Number.isFinite(value)) return value
  throw new InvalidPayloadError(
    `expected numbers of the payload to be exact in JavaScript, got: ${source}; write it as a text, "${source}"`,
  )
}

async function readAll(stdin: Readable): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stdin) {
    const buffer = Buffer.from(chunk as Uint8Array | string)
    bytes += buffer.length
    if (bytes > MAX_BYTES) {
      throw new MillhandError(
        'PAYLOAD_TOO_LARGE',
        `expected standard input to hold at most ${MAX_BYTES} bytes`,
      )
    }
    chunks.push(buffer)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch (error) {
    throw new InvalidPayloadError('expected standard input to be UTF-8', [], { cause: error })
  }
}
