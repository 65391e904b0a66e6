import type { Session } from 'node:inspector'
import { isMainThread } from 'node:worker_threads'
import { readStack, type DebuggerLine } from '../watchdog/blocked-stack.ts'

/**
 * Where the event loop of a thread of this process is right now, in the form of the stack of an Error; undefined
 * when that cannot be found out in about half a second, on an overloaded machine in two. Only the main thread can
 * ask, and its own loop goes on meanwhile.
 */
export async function sampleThread(threadId: number): Promise<string | undefined> {
  if (!isMainThread) return undefined
  try {
    const inspector = await import('node:inspector')
    const session = new inspector.Session()
    session.connect()
    const line = await openThreadLine(session, threadId)
    if (line !== undefined) return (await readStack(line)).stack
    session.disconnect()
  } catch {
    // A Node without an inspector, or one that may not be used.
  }
  return undefined
}

async function openThreadLine(session: Session, threadId: number): Promise<DebuggerLine | undefined> {
  const sessionId = await attach(session, threadId)
  if (sessionId === undefined) return undefined
  const answers = new Map<number, () => void>()
  let last = 0
  let hear: (method: string, params: object) => void
  session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => {
    if (params.sessionId !== sessionId) return
    const message = JSON.parse(params.message) as { id?: number; method: string; params: object }
    if (message.id === undefined) hear(message.method, message.params)
    else answers.get(message.id)?.()
  })
  return {
    post: (method) =>
      new Promise((resolve, reject) => {
        const id = ++last
        answers.set(id, resolve)
        session.post(
          'NodeWorker.sendMessageToWorker',
          { sessionId, message: JSON.stringify({ id, method }) },
          (error) => error !== null && reject(error),
        )
      }),
    listen: (listener) => (hear = listener),
    close: () => {
      session.post('NodeWorker.disable')
      session.disconnect()
    },
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
