import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { builtin } from '../core/builtin.ts'
import { flagsOf } from '../worker/placement/entry.ts'
import { GUARD_FD } from '../worker/watchdog/guard.ts'
import { GuardLine } from '../worker/watchdog/guard-line.ts'
import { checkCrossing } from './crossing.ts'
import type { Line, LineListener, LineOptions } from './line.ts'
import type { FromWorker } from './protocol.ts'

const isSource = import.meta.url.endsWith('.ts')
const ENTRY = new URL(
  isSource ? './worker/pool-process-entry.ts' : './pool-process-entry.js',
  import.meta.url,
)
/** After its end a process may still have messages on the line; so long is waited for the end of those. */
const LAST_MESSAGES_MS = 500

export function openProcessLine(options: LineOptions, listener: LineListener): Line {
  const file = openNameless()
  const cursor = Buffer.alloc(4)
  const child = builtin.childProcess.fork(ENTRY, {
    serialization: 'advanced',
    execArgv: flagsOf(options.execArgv, 'process'),
    env: { ...process.env, ...options.env },
    // The pipe is to its guard, the file is the cursor.
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', 'pipe', file],
  })
  // Absent when it could not be started.
  const socket = child.stdio[GUARD_FD] as Socket | null | undefined
  const guard = socket ? new GuardLine(socket) : undefined
  // An idle pool must not keep a process alive; while there is work, the watch of the pool does.
  child.unref()
  child.channel?.unref()
  let isOver = false
  const over = (exitCode: number | undefined, signal: string | undefined, error?: Error): void => {
    if (isOver) return
    listener.onExit({ exitCode, signal, error })
    isOver = true
    builtin.fs.closeSync(file)
  }
  child.on('message', (message) => {
    if (!isOver) listener.onMessage(message as FromWorker)
  })
  child.on('error', (error) => {
    // The others of its errors are a line that broke, of which the exit tells.
    if (child.pid === undefined) over(undefined, undefined, error)
  })
  child.on('exit', (code, signal) => {
    guard?.close()
    const end = (): void => over(code ?? undefined, signal ?? undefined)
    if (!child.connected) return end()
    // Not before what has arrived meanwhile was read, should this loop have been blocked.
    const timer = setTimeout(() => setImmediate(end), LAST_MESSAGES_MS)
    timer.unref()
    child.once('disconnect', () => {
      clearTimeout(timer)
      end()
    })
  })
  return {
    canRecall: false,
    post(message) {
      if (Array.isArray(message)) checkCrossing(message)
      if (child.connected) child.send(message, () => {})
    },
    readResults: () => {},
    begun: () => (!isOver && builtin.fs.readSync(file, cursor, 0, 4, 0) === 4 ? cursor.readInt32LE() : 0),
    // Nothing that both could change at once is between two processes.
    recall: () => undefined,
    terminate: () => void child.kill('SIGKILL'),
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
