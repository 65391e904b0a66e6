import { Worker as Thread } from 'node:worker_threads'
import { toError } from '../../core/errors.ts'
import { randomSeed } from '../../core/id.ts'
import type { Channel, ChannelListener, ChannelOptions } from './channel.ts'
import { entryOf, flagsOf } from './entry.ts'
import { printFor } from './print.ts'
import type { FromChild } from './protocol.ts'
import { ThreadSampler } from './thread-stack.ts'

/** What the entry of a thread is given before its worker is known. */
export interface ThreadData {
  readonly seed: Uint8Array<ArrayBuffer>
}

/** Starts a thread of this process for a worker. */
export function openThread(options: ChannelOptions, listener: ChannelListener): Channel {
  const { name, env, resourceLimits } = options
  const execArgv = flagsOf(options.execArgv)
  const thread = new Thread(entryOf('thread'), {
    name,
    env: { ...process.env, ...env },
    workerData: { seed: randomSeed() } satisfies ThreadData,
    stdout: true,
    stderr: true,
    ...(execArgv === undefined ? {} : { execArgv }),
    ...(resourceLimits === undefined ? {} : { resourceLimits }),
  })
  printFor(thread)
  const { threadId } = thread
  const sampler = new ThreadSampler(threadId)
  let error: Error | undefined
  thread.on('message', (message: FromChild) => listener.onMessage(message))
  thread.on('error', (thrown) => (error = toError(thrown)))
  thread.on('exit', (exitCode) => listener.onExit({ exitCode, signal: undefined, error }))
  return {
    pid: process.pid,
    threadId,
    post: (message) => thread.postMessage(message),
    terminate: () => {
      sampler.letGo()
      void thread.terminate()
    },
    sampleStack: () => sampler.sample(),
  }
}
