import type { Session } from 'node:inspector'
import { isMainThread } from 'node:worker_threads'
import { readStack, type DebuggerLine } from '../watchdog/blocked-stack.ts'

/**
 * Where the event loop of a thread of this process is, while it may be blocked. Only the main thread can ask, and its
 * own loop goes on meanwhile.
 */
export class ThreadSampler {
  readonly #threadId: number
  readonly #lines = new Set<DebuggerLine>()
  #isOver = false

  constructor(threadId: number) {
    this.#threadId = threadId
  }

  /**
   * Where it is right now, in the form of the stack of an Error; undefined when that cannot be found out in about
   * half a second, on an overloaded machine in two.
   */
  async sample(): Promise<string | undefined> {
    if (!isMainThread) return undefined
    const letGo = (): void => this.letGo()
    process.once('exit', letGo)
    try {
      return await this.#read()
    } catch {
      // A Node without an inspector, or one that may not be used.
      return undefined
    } finally {
      process.off('exit', letGo)
    }
  }

  /**
   * For good, and before the thread or the process is ended: a process that exits waits for each of its threads, and
   * one that is paused, or just about to be, never ends.
   */
  letGo(): void {
    this.#isOver = true
    for (const line of this.#lines) line.close()
  }

  async #read(): Promise<string | undefined> {
    const inspector = await import('node:inspector')
    const session = new inspector.Session()
    session.connect()
    const sessionId = await attach(session, this.#threadId)
    if (sessionId === undefined || this.#isOver) {
      session.disconnect()
      return undefined
    }
    const line = new ThreadLine(session, sessionId)
    this.#lines.add(line)
    try {
      return (await readStack(line)).stack
    } finally {
      this.#lines.delete(line)
    }
  }
}

class ThreadLine implements DebuggerLine {
  readonly #session: Session
  readonly #sessionId: string
  readonly #answers = new Map<number, PromiseWithResolvers<void>>()
  #last = 0
  #isClosed = false

  constructor(session: Session, sessionId: string) {
    this.#session = session
    this.#sessionId = sessionId
  }

  post(method: Parameters<DebuggerLine['post']>[0]): Promise<void> {
    const answer = Promise.withResolvers<void>()
    if (this.#isClosed) answer.reject(new Error('the line is closed'))
    else {
      this.#answers.set(++this.#last, answer)
      this.#send(this.#last, method)
    }
    return answer.promise
  }

  listen(hear: (method: string, params: object) => void): void {
    this.#session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => {
      if (params.sessionId !== this.#sessionId) return
      const message = JSON.parse(params.message) as { id?: number; method: string; params: object }
      if (message.id === undefined) hear(message.method, message.params)
      else this.#answers.get(message.id)?.resolve()
    })
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    // In this order it takes back everything, whether or not that has happened yet.
    this.#send(0, 'Debugger.resume')
    this.#send(0, 'Debugger.disable')
    this.#session.post('NodeWorker.disable')
    this.#session.disconnect()
    for (const { reject } of this.#answers.values()) reject(new Error('the line was closed'))
  }

  #send(id: number, method: string): void {
    const message = JSON.stringify({ id, method })
    this.#session.post('NodeWorker.sendMessageToWorker', { sessionId: this.#sessionId, message })
  }
}

/** Connects to all threads, which costs them nothing, and finds the one. */
function attach(session: Session, threadId: number): Promise<string | undefined> {
  let found: string | undefined
  session.on('NodeWorker.attachedToWorker', ({ params }) => {
    // Its workerId counts something else; the title is `[worker 7] name`.
    if (params.workerInfo.title.startsWith(`[worker ${threadId}]`)) found = params.sessionId
  })
  return new Promise((resolve) => {
    session.post('NodeWorker.enable', { waitForDebuggerOnStart: false }, () => resolve(found))
  })
}
