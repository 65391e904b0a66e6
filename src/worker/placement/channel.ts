import type { FromChild, ToChild } from './protocol.ts'

/** A line to a thread or process that was just started, and the only way to it. */
export interface Channel {
  readonly pid: number | undefined
  readonly threadId: number | undefined
  /** Sends; does nothing when the child is gone. */
  post(message: ToChild): void
  /** Ends it at once, whatever it does. */
  terminate(): void
  /** Where its event loop is right now, as a stack; undefined when that cannot be found out in half a second. */
  sampleStack(): Promise<string | undefined>
}

/** How a child ended. */
export interface ChildExit {
  readonly exitCode: number | undefined
  readonly signal: string | undefined
  /** What the platform says of it: out of memory, cannot be started. */
  readonly error: Error | undefined
}

export interface ChannelListener {
  onMessage(message: FromChild): void
  /** Once, after the last message. */
  onExit(exit: ChildExit): void
}

export interface ChannelOptions {
  /** Names the thread in tools. */
  readonly name: string
  /** Flags of Node for it. Default: those of this process. */
  readonly execArgv: readonly string[] | undefined
  /** Added to the environment of this process. */
  readonly env: Readonly<Record<string, string>>
  /** Of a thread; see the options of `worker_threads`. */
  readonly resourceLimits: Readonly<Record<string, number>> | undefined
}

export type OpenChannel = (options: ChannelOptions, listener: ChannelListener) => Channel
