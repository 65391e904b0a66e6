import { parentPort, workerData } from 'node:worker_threads'
import { messageNumber } from '../../loads/stream/byte-messages.ts'
import { Receipts } from '../../loads/stream/receipts.ts'
import { Handled } from './handled.ts'

const port = parentPort!
const receipts = new Receipts(workerData as number)
const handled = new Handled((count) => port.postMessage(count))
const all = { last: -1 }

port.on('message', (message: Uint8Array | 'report' | 'handled?') => {
  if (message === 'report') port.postMessage(receipts.report())
  else if (message === 'handled?') handled.say()
  else {
    receipts.mark(messageNumber(message), all)
    handled.add(1)
  }
})
port.postMessage('ready')
