/** How many jobs one script handles: the server does nothing else meanwhile. */
const CHUNK = 1000

/** Long lists a part at a time, one after the other. */
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

/** What belongs to several queues, each queue by itself, and the answers in the order of the questions. */
export async function perQueue<T, R>(
  items: readonly T[],
  queueOf: (item: T) => string,
  work: (queue: string, items: readonly T[]) => Promise<R[]>,
): Promise<R[]> {
  const first = items[0]
  if (first === undefined) return []
  const groups = Map.groupBy(items.keys(), (at) => queueOf(items[at]!))
  const results: R[] = []
  await Promise.all(
    [...groups].map(async ([queue, places]) => {
      const these = await inChunks(
        places.map((at) => items[at]!),
        (chunk) => work(queue, chunk),
      )
      for (const [n, at] of places.entries()) results[at] = these[n]!
    }),
  )
  return results
}

/** The same in the order of the items: one run of a queue after the other. */
export async function perRun<T, R>(
  items: readonly T[],
  queueOf: (item: T) => string,
  work: (queue: string, items: readonly T[]) => Promise<R[]>,
): Promise<R[]> {
  const results: R[] = []
  for (let from = 0; from < items.length;) {
    const queue = queueOf(items[from]!)
    const next = items.findIndex((item, at) => at > from && queueOf(item) !== queue)
    const to = next < 0 ? items.length : next
    for (const result of await inChunks(items.slice(from, to), (chunk) => work(queue, chunk))) {
      results.push(result)
    }
    from = to
  }
  return results
}
