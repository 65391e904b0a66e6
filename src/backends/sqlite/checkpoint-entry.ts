/** The thread that copies the log of a database into it; started by checkpointer.ts. */
import { parentPort, workerData } from 'node:worker_threads'
import { connect } from './client.ts'

const port = parentPort!
const db = connect(workerData as string)
db.exec('PRAGMA busy_timeout = 0')
const checkpoint = db.prepare('PRAGMA wal_checkpoint(PASSIVE)')

port.on('message', (message: 'checkpoint' | 'close') => {
  if (message === 'close') {
    db.close()
    port.close()
    return
  }
  try {
    checkpoint.get()
  } catch {
    // Another process is at it, or the disk is full: there will be a next time, and the log loses nothing.
  }
})
