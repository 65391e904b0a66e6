import { fmix32, fnv1a32 } from './hash.ts'

/** How many parts the keys of a stream are divided into, for good: workers come and go, partitions do not. */
export const PARTITIONS = 1024

/**
 * The partition of a key, 0 to 1,023: `fmix32(fnv1a32(utf8(key))) & 1023`. It depends on nothing but the key, so
 * that producers in other languages can compute it.
 */
export function partitionOf(key: string): number {
  return fmix32(fnv1a32(key)) & (PARTITIONS - 1)
}
