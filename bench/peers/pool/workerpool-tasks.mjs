import workerpool from 'workerpool'
import * as tasks from '../../loads/pool/tasks.mjs'

const { noop, cpu100us, cpu10ms, mixed } = tasks

function stamp(buffer) {
  return new workerpool.Transfer(tasks.stamp(buffer), [buffer])
}

workerpool.worker({ noop, cpu100us, cpu10ms, mixed, stamp })
