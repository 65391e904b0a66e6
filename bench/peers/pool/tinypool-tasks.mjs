import { Tinypool } from 'tinypool'
import * as tasks from '../../loads/pool/tasks.mjs'

export * from '../../loads/pool/tasks.mjs'

export function stamp(buffer) {
  return Tinypool.move(tasks.stamp(buffer))
}
