import { InvalidOptionError, show } from '../core/errors.ts'
import type { WorkerClass } from '../worker/placement/runner.ts'
import { ProcessWorker } from '../worker/process-worker.ts'
import type { Placement } from '../worker/status.ts'
import { ThreadWorker } from '../worker/thread-worker.ts'
import { StreamWorker } from './stream-worker.ts'

/** A class that extends StreamWorker, whatever its states and options. */
export type StreamWorkerClass = WorkerClass & { readonly module?: string | undefined }

/**
 * The class as the placement knows it. In a thread or process the class itself is loaded; here something stands for it
 * that says by its name and module which one that is.
 * @throws InvalidOptionError when it is no class of stream workers, or one that cannot have this concurrency.
 */
export function placedClass(
  workerClass: StreamWorkerClass,
  placement: Placement,
  concurrency: number,
): WorkerClass {
  if (typeof workerClass !== 'function' || !(workerClass.prototype instanceof StreamWorker)) {
    throw new InvalidOptionError(
      'worker',
      `expected worker to be a class that extends StreamWorker, got: ${show(workerClass)}`,
    )
  }
  checkConcurrency(workerClass, concurrency)
  if (placement === 'inline') return workerClass
  const module = Object.hasOwn(workerClass, 'module') ? workerClass.module : undefined
  const placed = placement === 'thread' ? threadClass(module) : processClass(module)
  Object.defineProperty(placed, 'name', { value: workerClass.name })
  return placed
}

/**
 * A batch has messages of many keys: beside it, nothing else of these may go on.
 * @throws InvalidOptionError for a class with `processBatch` whose messages are to be handled beside each other.
 */
function checkConcurrency({ name, prototype }: StreamWorkerClass, concurrency: number): void {
  if (concurrency === 1 || typeof Reflect.get(prototype as object, 'processBatch') !== 'function') return
  throw new InvalidOptionError(
    'concurrency',
    `expected concurrency of a StreamGroup of ${name} to be 1, since its processBatch handles messages of many keys at ` +
      `once, got: ${concurrency}; leave concurrency out, or handle each message by process`,
  )
}

function threadClass(module: string | undefined): WorkerClass {
  return class extends ThreadWorker {
    static override readonly module = module
    protected override main(): void {}
  }
}

function processClass(module: string | undefined): WorkerClass {
  return class extends ProcessWorker {
    static override readonly module = module
    protected override main(): void {}
  }
}
