import { BUILD } from '../../places.ts'
import * as tasks from './tasks.mjs'

export * from './tasks.mjs'

// Not by millhand.ts, which loads all of it: a thread loads what it needs, as it does of each peer.
const { transfer } = await import(new URL('pool.js', BUILD).href)

export function stamp(buffer) {
  return transfer(tasks.stamp(buffer))
}
