/** Workers that are there to be ended, in a thread and in a process. Loaded by their children, too. */
import { BUILD } from '../places.ts'

// No more of the product than such a worker needs.
const { ProcessWorker, ThreadWorker } = (await import(
  new URL('index.js', BUILD).href
)) as typeof import('../../src/index.ts')

/** What a victim can be told: to fail outside of its hooks, to block its event loop for ever, or to end its process or thread. */
export type Order = 'throw' | 'block' | 'exit'

export interface VictimOptions {
  /** It does not care when it is asked to stop. */
  readonly ignoresStop?: boolean
}

export class ThreadVictim extends ThreadWorker<VictimOptions> {
  static override module: string = import.meta.url

  override main(): Promise<void> {
    return live(this.signal, this.options)
  }

  override receive(order: unknown): void {
    obey(order as Order)
  }
}

export class ProcessVictim extends ProcessWorker<VictimOptions> {
  static override module: string = import.meta.url

  override main(): Promise<void> {
    return live(this.signal, this.options)
  }

  override receive(order: unknown): void {
    obey(order as Order)
  }
}

export const VICTIMS: { readonly thread: typeof ThreadVictim; readonly process: typeof ProcessVictim } = {
  thread: ThreadVictim,
  process: ProcessVictim,
}

function live(signal: AbortSignal, { ignoresStop = false }: VictimOptions): Promise<void> {
  return new Promise((resolve) => {
    if (!ignoresStop) signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function obey(order: Order): void {
  if (order === 'block') for (;;);
  if (order === 'exit') process.exit(1)
  setImmediate(() => {
    throw new Error('told to fail')
  })
}
