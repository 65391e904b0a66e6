import type { AnyWorker, Runner, WorkerClass } from './runner.ts'

/** On the event loop of its supervisor: the worker lives right here, so it is its own runner. */
export function inlineRunner(target: AnyWorker | WorkerClass, options?: object): Runner {
  return typeof target === 'function' ? new target(options as never) : target
}
