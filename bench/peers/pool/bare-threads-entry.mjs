import { parentPort, workerData } from 'node:worker_threads'
import { cpu100us, cpu10ms, mixed, noop } from '../../loads/pool/tasks.mjs'

const task = { cpu100us, cpu10ms, mixed, noop }[workerData]

parentPort.on('message', ({ first, to, step }) => {
  const results = []
  for (let n = first; n < to; n += step) results.push(task(n))
  parentPort.postMessage(results)
})
