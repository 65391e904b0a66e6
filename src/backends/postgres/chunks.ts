/** How many jobs one transaction handles. */
export const CHUNK = 1000

/** Long lists a part at a time, so that no statement is large. */
export async function inChunks<T, R>(
  items: readonly T[],
  work: (chunk: readonly T[]) => Promise<R[]>,
): Promise<R[]> {
  if (items.length === 0) return []
  if (items.length <= CHUNK) return work(items)
  const results: R[] = []
  for (let at = 0; at < items.length; at += CHUNK) {
    for (const result of await work(items.slice(at, at + CHUNK))) results.push(result)
  }
  return results
}
