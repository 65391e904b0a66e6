import { Writable, type Readable } from 'node:stream'
import { settledWithin } from '../../core/sleep.ts'

/** Output that nobody takes must not keep a child that has ended its work. */
const FLUSH_MS = 1000

/** In a child: waits until what it has printed is on its way, which an exit would cut off. Never rejects. */
export async function printed(): Promise<void> {
  await settledWithin(Promise.all([flushed(process.stdout), flushed(process.stderr)]), FLUSH_MS)
}

function flushed(stream: Writable): Promise<void> {
  return new Promise((resolve) => void stream.write('', () => resolve()))
}

/**
 * Prints what a thread prints. That nobody reads it any more costs the output, not this process, whose stream would
 * report an error that nobody caught.
 */
export function printFor(thread: { readonly stdout: Readable; readonly stderr: Readable }): void {
  thread.stdout.pipe(into(process.stdout))
  thread.stderr.pipe(into(process.stderr))
}

function into(stream: Writable): Writable {
  return new Writable({
    write(chunk, _encoding, done) {
      stream.write(chunk, (error) => {
        // The error is emitted after this.
        if (error && stream.listenerCount('error') === 0) stream.once('error', () => {})
        done()
      })
    },
  })
}
