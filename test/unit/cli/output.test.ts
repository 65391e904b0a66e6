import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { Output } from '../../../src/cli/output.ts'

function failingWith(code: string): Writable {
  return new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error(`write ${code}`), { code })),
  })
}

test('a reader that has gone ends the writing quietly', async () => {
  const output = new Output(failingWith('EPIPE'))
  await output.write('one\n')
  expect(output.isClosed).toBe(true)
  await output.write('two\n')
})

test('a disk that is full is an error', async () => {
  await expect(new Output(failingWith('ENOSPC')).write('one\n')).rejects.toThrow('ENOSPC')
})

test('a write waits until the text was taken', async () => {
  const taken: string[] = []
  const slow = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      setImmediate(() => {
        taken.push(chunk.toString())
        done()
      })
    },
  })
  await new Output(slow).write('one')
  expect(taken).toEqual(['one'])
})
