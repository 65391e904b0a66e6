import type { Socket } from 'node:net'
import { settledWithin } from '../../core/sleep.ts'
import type { Answer, Question } from './guard.ts'

/** A guard answers within half a second, on a machine that is overloaded within this; one that is gone, never. */
const ANSWER_MS = 1500
/** A line is a stack of twenty frames. */
const MAX_LINE = 64 * 1024

/** The line to the guard of a process that was started here. What comes in may be from code that is not trusted. */
export class GuardLine {
  readonly #socket: Socket
  readonly #waiting = new Map<number, (stack: string | undefined) => void>()
  #text = ''
  #last = 0

  constructor(socket: Socket) {
    this.#socket = socket
    // It ends with the process, which tells so itself.
    socket.on('error', () => {})
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => this.#hear(text))
    socket.unref()
  }

  /** Where the loop of the process is right now; undefined when its guard does not say so in time. */
  async sample(): Promise<string | undefined> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>()
    const question: Question = { id: ++this.#last }
    this.#waiting.set(question.id, resolve)
    this.#socket.write(`${JSON.stringify(question)}\n`)
    if (!(await settledWithin(promise, ANSWER_MS))) resolve(undefined)
    this.#waiting.delete(question.id)
    return promise
  }

  close(): void {
    this.#socket.destroy()
  }

  #hear(text: string): void {
    const lines = (this.#text + text).split('\n')
    this.#text = lines.pop() ?? ''
    if (this.#text.length > MAX_LINE) this.close()
    for (const line of lines) this.#answer(line)
  }

  #answer(line: string): void {
    try {
      const { id, stack } = JSON.parse(line) as Answer
      this.#waiting.get(id)?.(typeof stack === 'string' ? stack : undefined)
    } catch {
      // Somebody else wrote to that file descriptor.
    }
  }
}
