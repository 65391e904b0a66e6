import { ProcessWorker } from 'millhand'
import { evaluate } from './evaluate.ts'
import type { Snippet } from './snippet.ts'

/** Runs one snippet, in a process that was made for it. */
export class SnippetRunner extends ProcessWorker {
  static override module = import.meta.url

  protected override setup(): void {
    // Their values are empty already; now the names are gone too.
    for (const name of Object.keys(process.env)) delete process.env[name]
  }

  protected override async main(): Promise<void> {
    while (this.isRunning) await this.sleep('1h')
  }

  protected override async receive(message: unknown): Promise<void> {
    this.message(await evaluate(message as Snippet))
  }
}
