import { PlacedWorker } from './placement/placed-worker.ts'

/**
 * A worker with a thread of its own: for work that blocks now and then, and for memory that is shared.
 *
 *     export class Indexer extends ThreadWorker<{ root: string }> {
 *       static override module = import.meta.url
 *       override async main() { while (this.isRunning) await this.indexSome(this.options.root) }
 *     }
 *     server.add(Indexer, { root: '/srv' })
 *
 * The class is instantiated only in the thread, which finds it by `module` and its exported name. Options are
 * copied there; logs, events, errors and figures come back. A loop can be ended by force, but not a call that blocks
 * outside of JavaScript, such as execSync: that belongs into a ProcessWorker.
 */
export abstract class ThreadWorker<
  Options extends object = object,
  Context extends object = Record<string, unknown>,
> extends PlacedWorker<Options, Context> {
  static override readonly placement = 'thread'
}
