import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Transferable } from 'node:worker_threads'
import { toMs, type Duration } from '../core/duration.ts'
import { InvalidOptionError, MillhandError, show, StateError, toError } from '../core/errors.ts'
import { Emitter } from '../core/events.ts'
import { checkOptions, nearest } from '../core/options.ts'
import { settledWithin } from '../core/sleep.ts'
import { callerUrl } from './caller.ts'
import { Engine, type PoolEvents, type PoolStats } from './engine.ts'
import { POOL_RULES, type CheckedPool, type PoolOptions } from './pool-options.ts'
import { CALL, STREAM } from './protocol.ts'
import { ValueStream } from './value-stream.ts'
import { Task, type TaskSettings } from './task.ts'

/** What a module exports, of which the functions can be called. */
export type Functions = object

type FunctionName<M> = {
  [K in keyof M]: M[K] extends (...args: never[]) => unknown
    ? K extends 'setup' | 'teardown'
      ? never
      : K
    : never
}[keyof M] &
  string

type Fn<M, K extends keyof M> = M[K] extends (this: never, ...args: infer A extends unknown[]) => infer R
  ? { readonly args: A; readonly result: Awaited<R> }
  : { readonly args: unknown[]; readonly result: unknown }

/** What an iterable yields. */
type Yielded<R> = R extends AsyncIterable<infer Y> ? Y : R extends Iterable<infer Y> ? Y : unknown

export interface TaskOptions {
  /** The higher, the sooner; waiting for 100 ms counts as much as a step of 1. Default: 0. */
  readonly priority?: number
  /** Cancels the task: what waits is left out, what runs is told, and then ended with its worker. */
  readonly signal?: AbortSignal
  /** What it may run. Default: that of the pool. */
  readonly timeout?: Duration
  /** What moves to the worker instead of being copied. */
  readonly transfer?: readonly Transferable[]
  /** How often it is tried again when it fails or its worker dies. Default: 0. */
  readonly retry?: number
}

/**
 * Runs the functions of a module in threads or processes.
 *
 *     const images = new WorkerPool<typeof import('./images.ts')>(new URL('./images.ts', import.meta.url))
 *     const small = await images.run('resize', ['cat.jpg', 320])
 *
 * Names, arguments and results are typed by the module. It may also export `setup(data)` and `teardown()`, which
 * each worker calls once.
 */
export class WorkerPool<Module extends Functions = Readonly<Record<string, (...args: never[]) => unknown>>> {
  readonly events: Emitter<PoolEvents> = new Emitter()
  readonly #options: CheckedPool
  readonly #engine: Engine
  #minMax: { min: number; max: number }

  /**
   * @param module a URL, an absolute path, or a path relative to the file that calls this.
   * @throws InvalidOptionError naming the option.
   */
  constructor(module: string | URL, options?: PoolOptions) {
    this.#options = checkOptions('WorkerPool', POOL_RULES, options)
    const { max, min = Math.min(1, max) } = this.#options
    this.#minMax = checkSize(min, Math.max(max, options?.max === undefined ? min : 0))
    this.#engine = new Engine(resolveModule(module), this.#options, this.#minMax, this.events)
  }

  /** Starts `min` workers. Resolves when they are ready; the first task would start them as well. */
  start(): Promise<void> {
    return this.#engine.start()
  }

  /**
   * Calls a function of the module.
   * @param fn its name, or the function itself, of which only the name is used.
   * @returns what it returns. Rejects with what it throws, and with a MillhandError: NOT_FOUND, NOT_COPYABLE,
   * TASK_TIMEOUT, TASK_CANCELLED, WORKER_EXITED, TASK_POISON, POOL_FULL, POOL_CLOSED, MODULE_LOAD.
   */
  run<K extends FunctionName<Module>>(
    fn: K | (Module[K] & ((...args: never[]) => unknown)),
    args?: Fn<Module, K>['args'],
    options?: TaskOptions,
  ): Promise<Fn<Module, K>['result']> {
    try {
      return this.#make(fn, args, options, CALL).result as Promise<Fn<Module, K>['result']>
    } catch (thrown) {
      return Promise.reject(toError(thrown))
    }
  }

  /** The same, with a Task in hand: its status, progress, result, error and cancel. */
  submit<K extends FunctionName<Module>>(
    fn: K | (Module[K] & ((...args: never[]) => unknown)),
    args?: Fn<Module, K>['args'],
    options?: TaskOptions,
  ): Task<Fn<Module, K>['result']> {
    const task = this.#make(fn, args, options, CALL)
    // Its error can be read from the task: nobody has to catch the promise too.
    task.result.catch(() => {})
    return task as Task<Fn<Module, K>['result']>
  }

  /**
   * Calls a generator, or any function that returns an iterable. Values come as they are read: the worker is at
   * most 16 ahead. Leaving the loop ends the generator.
   */
  stream<K extends FunctionName<Module>>(
    fn: K | (Module[K] & ((...args: never[]) => unknown)),
    args?: Fn<Module, K>['args'],
    options?: TaskOptions,
  ): AsyncIterableIterator<Yielded<Fn<Module, K>['result']>> {
    const task = this.#make(fn, args, options, STREAM)
    return new ValueStream(task) as AsyncIterableIterator<Yielded<Fn<Module, K>['result']>>
  }

  /** Resolves when there is room for a task. Rejects when the pool is closed or cannot work. */
  ready(): Promise<void> {
    return this.#engine.ready()
  }

  /** Resolves when no task waits or runs. New ones are taken meanwhile. */
  drain(): Promise<void> {
    return this.#engine.drain()
  }

  /**
   * Ends the pool: no new task is taken, those that it has are finished, then the workers tear down. Safe to call
   * twice.
   * @param options.timeout then what is left is rejected with POOL_CLOSED and the workers are ended.
   */
  async close(options: { readonly timeout?: Duration } = {}): Promise<void> {
    const ms = options.timeout === undefined ? Infinity : toMs(options.timeout, 'timeout')
    const closed = this.#engine.close()
    if (ms !== Infinity && !(await settledWithin(closed, ms))) this.#engine.abandon()
    await closed
  }

  /** Closes it and waits for the end. @returns false when `timeout` was over first; it goes on closing. */
  async join(timeout?: Duration): Promise<boolean> {
    const closed = this.#engine.close()
    if (timeout !== undefined) return settledWithin(closed, toMs(timeout, 'timeout'))
    await closed
    return true
  }

  /** Changes how many workers there are. @throws InvalidOptionError unless 1 <= min <= max, both integers. */
  resize(min: number, max: number = min): void {
    Object.assign(this.#minMax, checkSize(min, max))
    this.#engine.resized()
  }

  stats(): PoolStats {
    return this.#engine.stats()
  }

  #make(fn: unknown, args: unknown, options: TaskOptions | undefined, kind: number): Task {
    const name = typeof fn === 'function' ? fn.name : fn
    if (typeof name !== 'string' || name === '') {
      throw new InvalidOptionError(
        'fn',
        `expected fn to be the name of an exported function, got: ${show(fn)}`,
      )
    }
    if (args !== undefined && !Array.isArray(args)) {
      throw new InvalidOptionError('args', `expected args of ${name} to be an array, got: ${show(args)}`)
    }
    this.#checkName(name)
    const settings = options === undefined ? this.#plain[kind]! : this.#settingsOf(options, kind)
    return this.#engine.add(name, (args as unknown[] | undefined) ?? NO_ARGS, settings, options?.signal)
  }

  #checkName(name: string): void {
    const { names } = this.#engine
    if (names === undefined || names.has(name)) return
    const guess = nearest(name, [...names])
    const hint = guess === undefined ? `it exports ${[...names].join(', ')}` : `did you mean "${guess}"?`
    throw new MillhandError('NOT_FOUND', `the module of the pool exports no function "${name}"; ${hint}`)
  }

  /** Of calls without options, by kind. */
  get #plain(): readonly TaskSettings[] {
    this.#plainSettings ??= [this.#settingsOf({}, CALL), this.#settingsOf({}, STREAM)]
    return this.#plainSettings
  }
  #plainSettings: readonly TaskSettings[] | undefined

  #settingsOf({ priority = 0, timeout, retry = 0, transfer }: TaskOptions, kind: number): TaskSettings {
    if (typeof priority !== 'number' || !Number.isFinite(priority)) {
      throw new InvalidOptionError('priority', `expected priority to be a number, got: ${show(priority)}`)
    }
    if (!Number.isInteger(retry) || retry < 0) {
      throw new InvalidOptionError(
        'retry',
        `expected retry to be an integer of at least 0, got: ${show(retry)}`,
      )
    }
    const timeoutMs = timeout === undefined ? this.#options.timeout : toMs(timeout, 'timeout')
    if (timeoutMs === 0) throw new InvalidOptionError('timeout', 'expected timeout to be above 0, got: 0')
    return { priority, kind, timeoutMs, retries: retry, transfer }
  }
}

const NO_ARGS: readonly unknown[] = []

/** `new WorkerPool(module, options)`, for `pool<typeof import('./tasks.ts')>('./tasks.ts')`. */
export function pool<Module extends Functions>(
  module: string | URL,
  options?: PoolOptions,
): WorkerPool<Module> {
  return new WorkerPool<Module>(resolveModule(module), options)
}

function checkSize(min: number, max: number): { min: number; max: number } {
  if (Number.isInteger(min) && Number.isInteger(max) && min >= 1 && min <= max) return { min, max }
  throw new InvalidOptionError(
    min >= 1 && Number.isInteger(min) ? 'max' : 'min',
    `expected min and max to be integers with 1 <= min <= max, got: ${show(min)} and ${show(max)}`,
  )
}

function resolveModule(module: string | URL): string {
  if (module instanceof URL) return module.href
  if (typeof module !== 'string' || module === '') {
    throw new InvalidOptionError('module', `expected module to be a URL or a path, got: ${show(module)}`)
  }
  if (/^(?:file|data):/.test(module)) return module
  if (isAbsolute(module)) return pathToFileURL(module).href
  const caller = callerUrl()
  if (caller === undefined) {
    throw new StateError(
      `expected module to be a URL, got: ${module}; write new URL('${module}', import.meta.url)`,
    )
  }
  return new URL(module, caller).href
}
