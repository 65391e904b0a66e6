/** Twice: what finalizers let go of is gone only after the second. */
export function collectGarbage(): void {
  globalThis.gc?.()
  globalThis.gc?.()
}

/** What the process keeps, in MiB, after a collection: the heap and what it holds outside of it, such as buffers. */
export async function keptMiB(): Promise<number> {
  // Let go what the present turn of the event loop still holds.
  await new Promise((resolve) => {
    setImmediate(resolve)
  })
  if (globalThis.gc === undefined) throw new Error('expected node to run with --expose-gc')
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 1024 / 1024
}
