import type { Transferable } from 'node:worker_threads'
import { toMs, type Duration } from '../core/duration.ts'
import { InvalidOptionError, show } from '../core/errors.ts'
import { unknownName } from '../core/options.ts'
import { CALL, STREAM } from './protocol.ts'
import type { TaskSettings } from './task.ts'

export interface TaskOptions {
  /** The higher, the sooner; waiting for 100 ms counts as much as a step of 1. Default: 0. */
  readonly priority?: number
  /** Cancels the task: what waits is left out, what runs is told, and then ended with its worker. */
  readonly signal?: AbortSignal
  /** What it may run, from its begin. Default: that of the pool. */
  readonly timeout?: Duration
  /** What moves to the worker instead of being copied: ArrayBuffers, MessagePorts. Threads only. */
  readonly transfer?: readonly Transferable[]
  /**
   * How often it is tried again, at once, when it fails, is late, or its worker dies. One that takes two workers
   * down with it is not tried again. Not with `transfer`, and not for streams. Default: 0.
   */
  readonly retry?: number
}

const NAMES = ['priority', 'signal', 'timeout', 'transfer', 'retry']

/** Checks the options of calls, against those of their pool. */
export class TaskRules {
  readonly #timeoutMs: number | undefined
  readonly #placement: 'thread' | 'process'
  /** Of calls without options, by kind. */
  readonly #plain: readonly TaskSettings[]

  constructor(timeoutMs: number | undefined, placement: 'thread' | 'process') {
    this.#timeoutMs = timeoutMs
    this.#placement = placement
    this.#plain = [this.#check({}, CALL), this.#check({}, STREAM)]
  }

  /** @throws InvalidOptionError naming the option. */
  settings(options: TaskOptions | undefined, kind: number): TaskSettings {
    return options === undefined ? this.#plain[kind]! : this.#check(options, kind)
  }

  #check(options: TaskOptions, kind: number): TaskSettings {
    expect('options', 'an object', options, typeof options === 'object' && options !== null)
    for (const name in options) if (!NAMES.includes(name)) throw unknownName('task option', name, NAMES)
    const { priority = 0, timeout, retry = 0, transfer, signal } = options
    expect('priority', 'a number', priority, Number.isFinite(priority))
    expect('retry', 'an integer of at least 0', retry, Number.isInteger(retry) && retry >= 0)
    expect('signal', 'an AbortSignal', signal, signal === undefined || signal instanceof AbortSignal)
    const timeoutMs = timeout === undefined ? this.#timeoutMs : toMs(timeout, 'timeout')
    expect('timeout', 'above 0', timeout, timeoutMs === undefined || timeoutMs > 0)
    if (transfer !== undefined) this.#checkTransfer(transfer, retry)
    if (kind === STREAM)
      expect('retry', '0 for a stream, whose values may be in use already', retry, retry === 0)
    return { priority, kind, timeoutMs, retries: retry, transfer }
  }

  #checkTransfer(transfer: unknown, retry: number): void {
    expect('transfer', 'an array', transfer, Array.isArray(transfer))
    const isThread = this.#placement === 'thread'
    expect('transfer', 'absent where functions run in processes, to which all is copied', transfer, isThread)
    expect('retry', '0 with transfer, since what has moved cannot be sent again', retry, retry === 0)
  }
}

function expect(option: string, what: string, value: unknown, isRight: boolean): void {
  if (isRight) return
  throw new InvalidOptionError(option, `expected ${option} to be ${what}, got: ${show(value)}`)
}
