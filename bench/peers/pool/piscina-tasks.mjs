import { move } from 'piscina'
import * as tasks from '../../loads/pool/tasks.mjs'

export * from '../../loads/pool/tasks.mjs'

export function stamp(buffer) {
  return move(tasks.stamp(buffer))
}
