import { toMs, type Duration } from '../core/duration.ts'
import { InvalidOptionError, show, toError } from '../core/errors.ts'
import { Emitter } from '../core/events.ts'
import { checkOptions } from '../core/options.ts'
import { settledWithin } from '../core/sleep.ts'
import { checkCopyable } from '../worker/placement/copyable.ts'
import { Engine } from './engine.ts'
import {
  unknownFunction,
  type ArgsOf,
  type Callable,
  type Functions,
  type ResultOf,
  type Yielded,
} from './functions.ts'
import type { PoolEvents } from './pool-events.ts'
import { resolveModule } from './pool-module.ts'
import { POOL_RULES, type PoolOptions } from './pool-options.ts'
import type { PoolStats } from './pool-stats.ts'
import { CALL, STREAM } from './protocol.ts'
import { TaskRules, type TaskOptions } from './task-options.ts'
import type { Task } from './task.ts'
import { ValueStream } from './value-stream.ts'
import { refusePoolInBoot } from './worker/boot-scope.ts'

const NO_ARGS: readonly unknown[] = []

/**
 * Runs the functions of a module in threads or processes.
 *
 *     const images = new WorkerPool<typeof import('./images.ts')>(new URL('./images.ts', import.meta.url))
 *     const small = await images.run('resize', ['cat.jpg', 320])
 *
 * Names, arguments and results are typed by the module. It may also export `setup(data)` and `teardown()`, which
 * each worker calls once. Workers start with the first task. A process ends when nothing but an idle pool is left
 * of it; `close()` lets the workers tear down.
 */
export class WorkerPool<
  Module extends Functions = Readonly<Record<string, (...args: unknown[]) => unknown>>,
> {
  readonly events: Emitter<PoolEvents> = new Emitter()
  readonly #engine: Engine
  readonly #rules: TaskRules
  readonly #size: { min: number; max: number }

  /**
   * @param module a URL, an absolute path, or a path relative to the file that calls this.
   * @throws InvalidOptionError naming the option. StateError in a worker of the same pool, while it starts.
   */
  constructor(module: string | URL, options?: PoolOptions) {
    const href = resolveModule(module)
    refusePoolInBoot(href)
    const checked = checkOptions('WorkerPool', POOL_RULES, options)
    const { placement, workerData, timeout, max, min = Math.min(1, max) } = checked
    checkCopyable({ workerData }, placement, 'a pool')
    this.#rules = new TaskRules(timeout, placement)
    this.#size = checkSize(min, Math.max(max, options?.max === undefined ? min : 0))
    this.#engine = new Engine(href, checked, this.#size, this.events)
  }

  /** Starts `min` workers. Resolves when they are ready; the first task would start them as well. */
  start(): Promise<void> {
    return this.#engine.start()
  }

  /**
   * Calls a function of the module.
   * @param fn its name, or the function itself, of which only the name is used.
   * @param args its arguments. They are copied when they are sent, which may be later.
   * @returns what it returns. Rejects with what it throws, and with a MillhandError: NOT_FOUND, NOT_COPYABLE,
   * TASK_TIMEOUT, TASK_CANCELLED, WORKER_EXITED (a TaskLostError), TASK_POISON, POOL_FULL, POOL_CLOSED, MODULE_LOAD,
   * START_TIMEOUT, INVALID_OPTION, and what `setup` throws.
   */
  run<Fn extends Callable<Module>>(
    fn: Fn,
    ...rest: CallArgs<ArgsOf<Module, Fn>>
  ): Promise<ResultOf<Module, Fn>> {
    try {
      return this.#add(fn, rest, CALL).result as Promise<ResultOf<Module, Fn>>
    } catch (thrown) {
      return Promise.reject(toError(thrown))
    }
  }

  /**
   * The same, with a Task in hand: its status, progress, result, error and cancel.
   * @throws what keeps the task from being added at all: INVALID_OPTION, NOT_FOUND, POOL_FULL, POOL_CLOSED.
   */
  submit<Fn extends Callable<Module>>(
    fn: Fn,
    ...rest: CallArgs<ArgsOf<Module, Fn>>
  ): Task<ResultOf<Module, Fn>> {
    const task = this.#add(fn, rest, CALL)
    // Its error can be read from the task: nobody has to catch the promise too.
    task.result.catch(() => {})
    return task as Task<ResultOf<Module, Fn>>
  }

  /**
   * Calls a generator, or any function that returns an iterable. Values come as they are read: the worker is at
   * most 16 ahead. Leaving the loop ends the generator.
   * @throws as submit.
   */
  stream<Fn extends Callable<Module>>(
    fn: Fn,
    ...rest: CallArgs<ArgsOf<Module, Fn>>
  ): AsyncIterableIterator<Yielded<ResultOf<Module, Fn>>> {
    return new ValueStream(this.#add(fn, rest, STREAM)) as AsyncIterableIterator<
      Yielded<ResultOf<Module, Fn>>
    >
  }

  /**
   * Resolves when there is room for a task; those who wait come one after the other. Rejects when the pool is closed
   * or cannot work.
   */
  ready(): Promise<void> {
    return this.#engine.ready()
  }

  /** Resolves when no task waits or runs. New ones are taken meanwhile. */
  drain(): Promise<void> {
    return this.#engine.drain()
  }

  /**
   * Ends the pool: no new task is taken, those that it has are finished, then the workers tear down, each within
   * 10 s. Safe to call twice, and from inside a task's `.then`.
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
    const ms = timeout === undefined ? Infinity : toMs(timeout, 'timeout')
    const closed = this.#engine.close()
    if (ms !== Infinity) return settledWithin(closed, ms)
    await closed
    return true
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Changes how many workers there are. @throws InvalidOptionError unless 1 <= min <= max, both integers. */
  resize(min: number, max: number = min): void {
    Object.assign(this.#size, checkSize(min, max))
    this.#engine.resized()
  }

  stats(): PoolStats {
    return this.#engine.stats()
  }

  #add(fn: unknown, rest: readonly unknown[], kind: number): Task {
    const { 0: args = NO_ARGS, 1: options } = rest
    const name = typeof fn === 'function' ? fn.name : fn
    if (typeof name !== 'string' || name === '') {
      throw new InvalidOptionError(
        'fn',
        `expected fn to be the name of an exported function, got: ${show(fn)}`,
      )
    }
    if (!Array.isArray(args)) {
      throw new InvalidOptionError('args', `expected args of ${name} to be an array, got: ${show(args)}`)
    }
    const { names } = this.#engine
    if (names !== undefined && !names.has(name)) throw unknownFunction(name, names)
    const given = options as TaskOptions | undefined
    return this.#engine.add(name, args, this.#rules.settings(given, kind), given?.signal)
  }
}

/** Arguments may be left out where the function needs none. */
type CallArgs<Args extends readonly unknown[]> = [] extends Args
  ? [args?: Args, options?: TaskOptions]
  : [args: Args, options?: TaskOptions]

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
