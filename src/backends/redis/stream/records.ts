import type { ReadResult } from '../../../stream/source/shard-store.ts'
import type { SourceRecord } from '../../../stream/source/source.ts'
import { BackendError } from '../../../core/errors.ts'
import type { Argument } from '../driver.ts'
import { stored, unstored } from '../text.ts'

/** A record on its way: what `APPEND` takes of it. */
export interface Outgoing {
  readonly args: readonly [key: string, kind: string, data: Argument]
  readonly bytes: number
}

/** The bytes are copied: who appends them may use theirs again. */
export function outgoing(key: string, data: string | Uint8Array): Outgoing {
  const { kind, bytes } = stored(data)
  const copy = typeof data === 'string' ? (bytes as Buffer) : Buffer.from(bytes)
  return { args: [key, String(kind), copy], bytes: Buffer.byteLength(key) + copy.length }
}

/** What XRANGE answers with: `[id, ['k', key, kind, data]]` of each. */
export function incoming(reply: unknown, after: string | null): ReadResult {
  const records = (reply as readonly [Buffer, readonly Buffer[]][]).map(recordOf)
  const [first] = records
  if (first === undefined || after === null) return { records, lost: 0 }
  // Of a server that has lost its last writes, and counts anew from there, nothing can be said.
  return { records, lost: Math.max(0, numberOf(first.offset) - numberOf(after) - 1) }
}

function recordOf([id, fields]: readonly [Buffer, readonly Buffer[]]): SourceRecord {
  const [, key, kind, data] = fields
  if (key === undefined || kind === undefined || data === undefined)
    throw new BackendError(
      'BACKEND_FOREIGN',
      `expected the record ${String(id)} to be one of a stream of ours`,
    )
  const offset = id.toString('latin1')
  return {
    key: key.toString(),
    data: unstored(Number(kind.toString('latin1')), data),
    offset,
    appendedAt: Number(offset.slice(0, offset.indexOf('-'))),
  }
}

function numberOf(offset: string): number {
  return Number(offset.slice(offset.indexOf('-') + 1))
}
