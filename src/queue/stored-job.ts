import type { Codec } from './codec.ts'
import type { Encoded, JobRecord } from './job.ts'

/** A job as it stands in the store, with what is encoded there decoded for reading. */
export interface StoredJob extends Omit<JobRecord, 'payload' | 'result' | 'progress'> {
  /** Decoded; the raw text or bytes when its codec is another one. */
  readonly payload: unknown
  readonly result: unknown
  readonly progress: unknown
}

export function storedJob(record: JobRecord, codec: Codec): StoredJob {
  const decode = (encoded: Encoded | null): unknown => {
    if (encoded === null || record.codec !== codec.name) return encoded
    try {
      return codec.decode(encoded)
    } catch {
      // Shown as it is: a record that cannot be decoded must still be seen.
      return encoded
    }
  }
  return {
    ...record,
    payload: decode(record.payload),
    result: decode(record.result),
    progress: record.progress === null ? null : (JSON.parse(record.progress) as unknown),
  }
}
