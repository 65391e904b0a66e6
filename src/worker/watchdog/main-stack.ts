import { readStack, type DebuggerLine, type Sample } from './blocked-stack.ts'

/** Where the main thread is right now. Called in another thread of the process; never rejects. */
export async function sampleMainThread(): Promise<Sample> {
  try {
    return await readStack(await openMainLine())
  } catch {
    // A Node without an inspector, or one that may not be used.
    return { stack: undefined, isDebugged: false }
  }
}

async function openMainLine(): Promise<DebuggerLine> {
  const { Session } = await import('node:inspector')
  const session = new Session()
  session.connectToMainThread()
  return {
    post: (method) =>
      new Promise((resolve, reject) => {
        session.post(method, (error) => (error === null ? resolve() : reject(error)))
      }),
    listen: (hear) => {
      session.on('inspectorNotification', ({ method, params }: { method: string; params: object }) =>
        hear(method, params),
      )
    },
    close: () => session.disconnect(),
  }
}
