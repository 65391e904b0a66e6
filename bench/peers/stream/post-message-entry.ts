import { parentPort, workerData } from 'node:worker_threads'
import { Books, type BooksOptions } from '../../loads/stream/books.ts'
import { Handled } from './handled.ts'

const port = parentPort!
const options = workerData as BooksOptions
const books = new Books(options)
const apply = (text: string): void => (options.scans === true ? books.scanAny(text) : books.applyAny(text))
const handled = new Handled((count) => port.postMessage(count))

port.on(
  'message',
  (message: string | readonly string[] | { readonly key: string; readonly bytes: Uint8Array }) => {
    if (typeof message === 'string') {
      if (message === 'report') return port.postMessage(books.report())
      if (message === 'handled?') return handled.say()
      apply(message)
      handled.add(1)
    } else if ('key' in message) {
      books.scan(books.of(message.key), message.bytes)
      handled.add(1)
    } else {
      for (const text of message) apply(text)
      handled.add(message.length)
    }
  },
)
port.postMessage('ready')
