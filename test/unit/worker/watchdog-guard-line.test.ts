import { Duplex } from 'node:stream'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { GuardLine } from '../../../src/worker/watchdog/guard-line.ts'

afterEach(() => void vi.useRealTimers())

/** A line whose other end answers each question so. */
function line(answer: (id: number, say: (text: string) => void) => void) {
  const socket = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, done) => {
      answer((JSON.parse(chunk.toString()) as { id: number }).id, (text) => socket.push(text))
      done()
    },
  })
  const guard = new GuardLine(Object.assign(socket, { unref: () => {} }) as unknown as Socket)
  return { guard, socket }
}

describe('the line to the guard of a process', () => {
  test('brings the answer to each question, also in pieces and out of order', async () => {
    const asked: number[] = []
    const { guard } = line((id, say) => {
      asked.push(id)
      if (asked.length < 2) return
      const text = asked.map((each) => `{"id":${each},"stack":"at ${each}"}\n`).toReversed()
      for (const letter of text.join('')) say(letter)
    })
    expect(await Promise.all([guard.sample(), guard.sample()])).toEqual(['at 1', 'at 2'])
  })

  test('gives up a question, and takes its late answer not for that of another one', async () => {
    // Else a stall is told of with the place of the one before.
    vi.useFakeTimers()
    const { guard } = line((id, say) => {
      if (id === 2) say('{"id":1,"stack":"at the first"}\n{"id":2,"stack":"at the second"}\n')
    })
    const first = guard.sample()
    await vi.advanceTimersByTimeAsync(1500)
    expect(await first).toBeUndefined()
    expect(await guard.sample()).toBe('at the second')
  })

  test('bears whatever code that is not trusted writes to it', async () => {
    // Else a line on a file descriptor ends the whole server.
    const { guard } = line((id, say) => say(`\n{\nnull\n[]\n{"id":${id},"stack":7}\n`))
    expect(await guard.sample()).toBeUndefined()
  })

  test('is closed when a line does not end', async () => {
    // Else a process can fill the memory of the server.
    vi.useFakeTimers()
    const { guard, socket } = line((_id, say) => say('x'.repeat(100_000)))
    const sample = guard.sample()
    await vi.advanceTimersByTimeAsync(1500)
    expect(await sample).toBeUndefined()
    expect(socket.destroyed).toBe(true)
    const late = guard.sample()
    await vi.advanceTimersByTimeAsync(1500)
    expect(await late).toBeUndefined()
  })
})
