import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { builtin } from '../core/builtin.ts'
import { flagsOf } from '../worker/placement/entry.ts'
import type { Line, LineListener, LineOptions } from './line.ts'
import type { FromWorker } from './protocol.ts'

const isSource = import.meta.url.endsWith('.ts')
const ENTRY = new URL(isSource ? './work/pool-process-entry.ts' : './pool-process-entry.js', import.meta.url)
/** After its end a process may still have messages on the line; so long is waited for the end of those. */
const LAST_MESSAGES_MS = 500

export function openProcessLine(options: LineOptions, listener: LineListener): Line {
  const file = openNameless()
  const cursor = Buffer.alloc(4)
  const child = builtin.childProcess.fork(ENTRY, {
    serialization: 'advanced',
    execArgv: flagsOf(options.execArgv),
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', file],
  })
  let isOver = false
  const over = (exitCode: number | undefined, signal: string | undefined, error?: Error): void => {
    if (isOver) return
    isOver = true
    listener.onExit({ exitCode, signal, error })
    builtin.fs.closeSync(file)
  }
  child.on('message', (message) => {
    if (!isOver) listener.onMessage(message as FromWorker)
  })
  child.on('error', (error) => {
    if (child.pid === undefined) over(undefined, undefined, error)
  })
  child.on('exit', (code, signal) => {
    const end = (): void => over(code ?? undefined, signal ?? undefined)
    if (!child.connected) return end()
    child.once('disconnect', end)
    setTimeout(end, LAST_MESSAGES_MS)
  })
  return {
    pid: child.pid,
    threadId: undefined,
    post: (message) => {
      if (child.connected) child.send(message, () => {})
    },
    begun: () => (!isOver && builtin.fs.readSync(file, cursor, 0, 4, 0) === 4 ? cursor.readInt32LE() : 0),
    // What was sent to a process cannot be had back for certain.
    recall: () => undefined,
    terminate: () => child.kill('SIGKILL'),
  }
}

/** A small file without a name, which both ends hold open and the system removes with them. */
function openNameless(): number {
  const folder = builtin.fs.mkdtempSync(join(tmpdir(), 'millhand-'))
  try {
    return builtin.fs.openSync(join(folder, 'cursor'), 'w+')
  } finally {
    builtin.fs.rmSync(folder, { recursive: true })
  }
}
