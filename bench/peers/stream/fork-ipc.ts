/** A process that is sent messages over the channel of `fork`, in batches. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { OpenLine } from '../../loads/stream/line.ts'
import type { Report } from '../../loads/stream/receipts.ts'
import { ON_THE_WAY } from './post-message.ts'
import { Window } from './window.ts'

export function forkIpc(serialization: 'json' | 'advanced', size: number): OpenLine {
  return async ({ keys, texts }) => {
    const child = fork(new URL('fork-ipc-entry.ts', import.meta.url), [String(keys.length)], {
      ...{ execArgv: [], serialization, stdio: ['ignore', 2, 2, 'ipc'] },
    })
    await once(child, 'message')
    const window = new Window(ON_THE_WAY)
    let reported: (report: Report) => void = () => {}
    child.on(
      'message',
      (message: number | { readonly counts: readonly number[]; readonly outOfOrder: number }) => {
        if (typeof message === 'number') return window.handled(message)
        const { counts, outOfOrder } = message
        reported({ counts: Uint8Array.from(counts), outOfOrder, handledAt: new Float64Array() })
      },
    )
    let batch: string[] = []
    const flush = (): void => {
      if (batch.length > 0) child.send(batch)
      batch = []
    }
    return {
      post(n) {
        batch.push(texts[n]!)
        if (batch.length === size) flush()
        return window.post()
      },
      drained() {
        flush()
        child.send('handled?')
        return window.drained()
      },
      report() {
        const report = new Promise<Report>((resolve) => (reported = resolve))
        child.send('report')
        return report
      },
      async close() {
        child.disconnect()
        if (child.exitCode === null) await once(child, 'exit')
      },
    }
  }
}
