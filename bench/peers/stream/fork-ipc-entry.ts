import { Books } from '../../loads/stream/books.ts'
import { Handled } from './handled.ts'

const books = new Books({ messages: Number(process.argv[2]) })
const handled = new Handled((count) => process.send!(count))

process.on('message', (message: string | readonly string[]) => {
  if (message === 'report') {
    const { counts, outOfOrder } = books.report()
    process.send!({ counts: [...counts], outOfOrder })
  } else if (message === 'handled?') handled.say()
  else {
    for (const text of message) books.applyAny(text)
    handled.add(message.length)
  }
})
process.once('disconnect', () => process.exit(0))
process.send!('ready')
