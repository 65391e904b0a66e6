import { ProcessWorker, type KillCause } from 'millhand'
import type { Guest } from './guest.ts'
import type { StageOptions } from './thread-stage.ts'

/** A stage in a process: its queue worker lives there. */
export abstract class ProcessStage extends ProcessWorker<StageOptions, { guest?: Guest }> {
  /** Makes the queue worker, in the process. */
  protected abstract open(): Guest

  override get queueSize(): number {
    return this.context.guest?.worker.queueSize ?? 0
  }

  override get processedCount(): number {
    return this.context.guest?.worker.processedCount ?? 0
  }

  override get errorCount(): number {
    return this.context.guest?.worker.errorCount ?? 0
  }

  protected override async setup(): Promise<void> {
    this.context.guest = this.open()
    await this.context.guest.start(this.isQuiet)
  }

  protected override main(): Promise<void> {
    return this.context.guest!.untilOver(this.signal)
  }

  protected override async teardown(): Promise<void> {
    await this.context.guest?.stop()
  }

  protected override onQuiet(isQuiet: boolean): void {
    this.context.guest?.setQuiet(isQuiet)
  }

  protected override async onKill(cause: KillCause): Promise<void> {
    await this.context.guest?.kill(cause)
  }
}
