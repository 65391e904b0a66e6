import { transfer } from '../../millhand.ts'
import * as tasks from './tasks.mjs'

export * from './tasks.mjs'

export function stamp(buffer) {
  return transfer(tasks.stamp(buffer))
}
