import { Books } from './books.ts'
import type { OpenLine } from './line.ts'

/** Nobody in between: decode, parse and apply, or scan and apply, one after the other in one thread. */
export function bareLoop(scans: boolean): OpenLine {
  return async ({ keys, bytes }, timed = false) => {
    const books = new Books({ messages: keys.length, timed })
    return {
      post(n) {
        if (scans) books.scan(books.of(keys[n]!), bytes[n]!)
        else books.apply(books.of(keys[n]!), bytes[n]!.toString())
        return undefined
      },
      drained: async () => {},
      report: async () => books.report(),
      close: async () => {},
    }
  }
}
