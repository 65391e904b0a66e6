import { PlacedWorker } from './placement/placed-worker.ts'

/**
 * A worker with a process of its own: for work on all cores, for code that is not trusted or may crash, and for
 * what must not share memory.
 *
 *     export class HashCalculator extends ProcessWorker<{ root: string }> {
 *       static override module = import.meta.url
 *       override async main() { while (this.isRunning) await this.hashNext(this.options.root) }
 *     }
 *     server.add(HashCalculator, { name: 'hash-1', root: '/srv/files' })
 *
 * The class is instantiated only in the process, which finds it by `module` and its exported name. Options are
 * copied there; logs, events, errors and figures come back. The process leaves signals to its parent, and ends
 * when that is gone.
 */
export abstract class ProcessWorker<
  Options extends object = object,
  Context extends object = Record<string, unknown>,
> extends PlacedWorker<Options, Context> {
  static override readonly placement = 'process'
}
