import { z } from 'zod'

export interface Payload {
  /** The number of the job, for the exactly-once check. */
  readonly n: number
  readonly note: string
}

/** Millhand checks each payload by it, when the job is added and when it is started. Its peers check none. */
export const schema: z.ZodType<Payload, Payload> = z.object({ n: z.int().nonnegative(), note: z.string() })

/** `{"n":123456,"note":"..."}` */
const REST = JSON.stringify({ n: 100_000, note: '' }).length

/** A payload of about so many bytes of JSON. Default: 100. */
export function payload(n: number, bytes: number = 100): Payload {
  return { n, note: 'x'.repeat(Math.max(0, bytes - REST)) }
}

/** Jobs `from` to `to` - 1 in batches, as bulk adds take them. */
export function* batches(from: number, to: number, size: number = BATCH): Generator<number[], void> {
  for (let first = from; first < to; first += size) {
    yield Array.from({ length: Math.min(size, to - first) }, (_, index) => first + index)
  }
}

/** Jobs in one bulk add. Ten times as many make neither Millhand nor its peers faster. */
export const BATCH = 1000
