import type { Socket } from 'node:net'
import { builtin } from '../../core/builtin.ts'
import { GUARD_FD } from '../watchdog/guard.ts'
import { GuardLine } from '../watchdog/guard-line.ts'
import type { Channel, ChannelListener, ChannelOptions } from './channel.ts'
import { entryOf, flagsOf } from './entry.ts'
import type { FromChild } from './protocol.ts'

/** After its end a process may still have messages on the line; so long is waited for the end of those. */
const LAST_MESSAGES_MS = 500

/** Starts a process for a worker. */
export function openProcess(options: ChannelOptions, listener: ChannelListener): Channel {
  const child = builtin.childProcess.fork(entryOf('process'), {
    serialization: 'advanced',
    execArgv: flagsOf(options.execArgv, 'process'),
    env: { ...process.env, ...options.env },
    // Its output is this process's own; nothing is read from the terminal. The pipe is to its guard.
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', 'pipe'],
  })
  // Absent when it could not be started.
  const socket = child.stdio[GUARD_FD] as Socket | null | undefined
  const guard = socket ? new GuardLine(socket) : undefined
  let isOver = false
  const over = (exitCode: number | undefined, signal: string | undefined, error?: Error): void => {
    if (isOver) return
    isOver = true
    listener.onExit({ exitCode, signal, error })
  }
  child.on('message', (message) => {
    if (!isOver) listener.onMessage(message as FromChild)
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
    child.once('disconnect', () => {
      clearTimeout(timer)
      end()
    })
  })
  return {
    pid: child.pid,
    threadId: undefined,
    post: (message) => {
      if (child.connected) child.send(message, () => {})
    },
    terminate: () => child.kill('SIGKILL'),
    sampleStack: async () => guard?.sample(),
  }
}
