import { parentPort, workerData } from 'node:worker_threads'
import { Books, type BooksOptions } from '../../loads/stream/books.ts'
import { Handled } from './handled.ts'

const port = parentPort!
const books = new Books(workerData as BooksOptions)
const handled = new Handled((count) => port.postMessage(count))

port.on('message', (message: string | readonly string[]) => {
  if (typeof message !== 'string') {
    for (const text of message) books.applyAny(text)
    handled.add(message.length)
  } else if (message === 'report') port.postMessage(books.report())
  else if (message === 'handled?') handled.say()
  else {
    books.applyAny(message)
    handled.add(1)
  }
})
port.postMessage('ready')
